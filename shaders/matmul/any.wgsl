// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. Any sizes: every value is loaded separately.
// Family of software adapters, for axes that are not multiples of 4. A thread sums 16 × 8 in registers
// (lib/matmul-tile); the four threads of a workgroup lie side by side along n, or along m with ALONG_M.
override ALONG_M: bool;
#include "lib/matmul-scalars"
#include "lib/matmul-tile"

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = sizes(arrayLength(&a), arrayLength(&b), arrayLength(&out), id.z, groups.z);
  let m = 16u * select(id.y, id.x, ALONG_M);
  let n = 8u * select(id.x, id.y, ALONG_M);
  if (m >= s.M || n >= s.N) { return; }
  tile(m, n, s);
}
