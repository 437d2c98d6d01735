// lib/token-gate-backward for any C.
alias Value = f32;
const wide = 1u;
#include "lib/token-gate-backward"
