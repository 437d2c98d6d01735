// lib/prepend-tokens for any sizes.
alias Value = f32;
#include "lib/prepend-tokens"
