// lib/prepend-pair for any sizes.
alias Value = f32;
#include "lib/prepend-pair"
