// lib/prepend-pair-backward where C is a multiple of 4.
alias Value = vec4f;
#include "lib/prepend-pair-backward"
