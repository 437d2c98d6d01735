// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups. A thread sums 16 × 8 in 4 × 4 blocks, eight steps of k at a time, and
// fetches from textures (lib/matmul-texels); the four threads of a quad lie side by side along n, or along m with ALONG_M.
// With IS_REST only the columns are summed that are left behind the whole tiles of matmul/large.
// A block's columns are rows of out, so block += bBlock · aBlock.
enable subgroups;
override ALONG_M: bool;
override IS_REST: bool;
const LARGE = 64u;
#include "lib/matmul-sizes"
#include "lib/matmul-texels"

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  let t = texels(s);
  let own = 4u * group.x + lane;
  let m = 16u * select(group.y, own, ALONG_M);
  let n = 8u * select(own, group.y, ALONG_M) + select(0u, s.N / LARGE * LARGE, IS_REST);
  let a0 = aPlaces(m, s);
  let a1 = aPlaces(m + 4u, s);
  let a2 = aPlaces(m + 8u, s);
  let a3 = aPlaces(m + 12u, s);
  let b0 = bPlaces(n, s);
  let b1 = bPlaces(n + 4u, s);
  var c00 = mat4x4f(); var c01 = mat4x4f();
  var c10 = mat4x4f(); var c11 = mat4x4f();
  var c20 = mat4x4f(); var c21 = mat4x4f();
  var c30 = mat4x4f(); var c31 = mat4x4f();
  var sums = mat4x4f();
  let ones = vec4f(1.0);
  for (var i = s.begin / 4u; 4u * i < s.end; i += 2u) {
    let step = stepAt(i, s, t);
    let after = stepAt(i + 1u, s, t);
    let B0 = bBlock(b0, step, t);
    let B1 = bBlock(b1, step, t);
    let D0 = bBlock(b0, after, t);
    let D1 = bBlock(b1, after, t);
    let A0 = aBlock(a0, step, t);
    let C0 = aBlock(a0, after, t);
    c00 = added(added(c00, B0, A0), D0, C0);
    c01 = added(added(c01, B1, A0), D1, C0);
    let A1 = aBlock(a1, step, t);
    let C1 = aBlock(a1, after, t);
    c10 = added(added(c10, B0, A1), D0, C1);
    c11 = added(added(c11, B1, A1), D1, C1);
    let A2 = aBlock(a2, step, t);
    let C2 = aBlock(a2, after, t);
    c20 = added(added(c20, B0, A2), D0, C2);
    c21 = added(added(c21, B1, A2), D1, C2);
    let A3 = aBlock(a3, step, t);
    let C3 = aBlock(a3, after, t);
    c30 = added(added(c30, B0, A3), D0, C3);
    c31 = added(added(c31, B1, A3), D1, C3);
    if (HAS_SUMS) {
      sums += mat4x4f(ones * A0, ones * A1, ones * A2, ones * A3);
      sums += mat4x4f(ones * C0, ones * C1, ones * C2, ones * C3);
    }
  }
  let corner = cornerAt(m, n, s);
  let bias0 = biasAt(corner.left);
  let bias1 = biasAt(corner.left + 1u);
  for (var i = 0u; i < 4u; i++) {
    storeAt(corner, i, 0u, s, column(c00, i) + bias0);
    storeAt(corner, i, 1u, s, column(c01, i) + bias1);
    storeAt(corner, 4u + i, 0u, s, column(c10, i) + bias0);
    storeAt(corner, 4u + i, 1u, s, column(c11, i) + bias1);
    storeAt(corner, 8u + i, 0u, s, column(c20, i) + bias0);
    storeAt(corner, 8u + i, 1u, s, column(c21, i) + bias1);
    storeAt(corner, 12u + i, 0u, s, column(c30, i) + bias0);
    storeAt(corner, 12u + i, 1u, s, column(c31, i) + bias1);
  }
  if (HAS_SUMS) {
    storeSums(m, n, s, sums[0]);
    storeSums(m + 4u, n, s, sums[1]);
    storeSums(m + 8u, n, s, sums[2]);
    storeSums(m + 12u, n, s, sums[3]);
  }
}
