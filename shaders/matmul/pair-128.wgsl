// Two linear layers of equal sizes, by the tiles of matmul/tile-128.
// Family of real GPUs, 256 threads, 16 KiB.
const SIDE = 128u;
const ACROSS = 2u;
#include "lib/matmul-pair-square"
