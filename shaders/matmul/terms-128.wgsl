// The sum of two or three products: lib/matmul-terms.
// Family of real GPUs, 256 threads, 16 KiB.
const SIDE = 128u;
const ACROSS = 2u;
#include "lib/matmul-terms"
