// Two linear layers of equal sizes, by the tiles of matmul/tile-64.
// Family of real GPUs, 64 threads, 4 KiB.
const SIDE = 64u;
const ACROSS = 2u;
#include "lib/matmul-pair-square"
