// lib/activation-forward where the size is a multiple of 4: a thread loads and stores whole vectors.
alias Value = vec4f;
#include "lib/activation-forward"
