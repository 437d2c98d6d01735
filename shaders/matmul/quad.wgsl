// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups. A thread sums 16 × 8 in registers (lib/matmul-tile); the four threads
// of a quad (lib/matmul-quad) lie side by side along n, or along m with ALONG_M.
enable subgroups;
override ALONG_M: bool;
#include "lib/matmul-tile"
#include "lib/matmul-quad"

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  if (ALONG_M) {
    tile((group.x * 4u + lane) * 16u, group.y * 8u, s);
  } else {
    tile(group.y * 16u, (group.x * 4u + lane) * 8u, s);
  }
}
