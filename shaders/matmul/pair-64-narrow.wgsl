// Two linear layers of equal sizes, by the tiles of matmul/tile-64-narrow.
// Family of real GPUs with few registers, 128 threads, 8 KiB.
const SIDE = 64u;
const ACROSS = 1u;
#include "lib/matmul-pair-square"
