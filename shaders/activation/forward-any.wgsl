// lib/activation-forward for any size.
alias Value = f32;
#include "lib/activation-forward"
