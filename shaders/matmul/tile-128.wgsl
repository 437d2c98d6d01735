// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of real GPUs, 256 threads, 16 KiB.
const SIDE = 128u;
const ACROSS = 2u;
#include "lib/matmul-square"
