// The sum of two or three products: lib/matmul-terms.
// Family of real GPUs, 64 threads, 4 KiB.
const SIDE = 64u;
const ACROSS = 2u;
#include "lib/matmul-terms"
