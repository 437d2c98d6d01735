// lib/combine for any sizes.
alias Value = f32;
#include "lib/combine"
