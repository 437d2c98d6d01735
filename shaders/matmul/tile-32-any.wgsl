// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. Any sizes.
// Family of real GPUs, 256 threads, 16 KiB.
#include "lib/matmul-scalars"
#include "lib/matmul-parts"
