// lib/prepend-tokens-backward for any sizes.
alias Value = f32;
#include "lib/prepend-tokens-backward"
