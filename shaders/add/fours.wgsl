// lib/combine where all sizes are multiples of 4: a thread loads and stores whole vectors.
alias Value = vec4f;
#include "lib/combine"
