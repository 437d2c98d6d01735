// lib/prepend-pair-backward for any sizes.
alias Value = f32;
#include "lib/prepend-pair-backward"
