// lib/activation-backward for any size.
alias Value = f32;
#include "lib/activation-backward"
