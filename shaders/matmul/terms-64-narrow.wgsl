// The sum of two or three products: lib/matmul-terms.
// Family of real GPUs with few registers, 128 threads, 8 KiB.
const SIDE = 64u;
const ACROSS = 1u;
#include "lib/matmul-terms"
