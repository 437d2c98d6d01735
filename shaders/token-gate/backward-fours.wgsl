// lib/token-gate-backward where C is a multiple of 4.
alias Value = vec4f;
const wide = 4u;
#include "lib/token-gate-backward"
