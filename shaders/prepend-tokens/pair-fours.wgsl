// lib/prepend-pair where C is a multiple of 4.
alias Value = vec4f;
#include "lib/prepend-pair"
