// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups, for products that fill tiles of 32 × 64. As matmul/quad, but a thread
// sums 32 × 16 in 4 × 4 blocks; a block's columns are rows of out, so block += bBlock · aBlock. It loads less for
// each sum and compiles longer. The sums equal those of the small tile bit for bit.
enable subgroups;
const ALONG_M = false;
#include "lib/matmul-sizes"
#include "lib/matmul-quad"
// In the loop over k every index is a constant: the adapter then knows the place, any other index it looks up lane
// by lane.
var<private> sums: array<mat4x4f, 32>;
var<private> rowSums: array<vec4f, 8>;
const ONES = vec4f(1.0);

// sum + b · a, a column at a time, so that few values are alive at once.
fn added(sum: mat4x4f, b: mat4x4f, a: mat4x4f) -> mat4x4f {
  return mat4x4f(sum[0] + b * a[0], sum[1] + b * a[1], sum[2] + b * a[2], sum[3] + b * a[3]);
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  let m = group.y * 32u;
  let n = (group.x * 4u + lane) * 16u;
  let a0 = aStart(m + 0u, s);
  let a1 = aStart(m + 4u, s);
  let a2 = aStart(m + 8u, s);
  let a3 = aStart(m + 12u, s);
  let a4 = aStart(m + 16u, s);
  let a5 = aStart(m + 20u, s);
  let a6 = aStart(m + 24u, s);
  let a7 = aStart(m + 28u, s);
  let b0 = bStart(n + 0u, s);
  let b1 = bStart(n + 4u, s);
  let b2 = bStart(n + 8u, s);
  let b3 = bStart(n + 12u, s);
  for (var k = s.begin; k < s.end; k += 4u) {
    let B0 = bBlock(b0, k, s);
    let B1 = bBlock(b1, k, s);
    let B2 = bBlock(b2, k, s);
    let B3 = bBlock(b3, k, s);
    let A0 = aBlock(a0, k, s);
    if (HAS_SUMS) { rowSums[0] += ONES * A0; }
    sums[0] = added(sums[0], B0, A0);
    sums[1] = added(sums[1], B1, A0);
    sums[2] = added(sums[2], B2, A0);
    sums[3] = added(sums[3], B3, A0);
    let A1 = aBlock(a1, k, s);
    if (HAS_SUMS) { rowSums[1] += ONES * A1; }
    sums[4] = added(sums[4], B0, A1);
    sums[5] = added(sums[5], B1, A1);
    sums[6] = added(sums[6], B2, A1);
    sums[7] = added(sums[7], B3, A1);
    let A2 = aBlock(a2, k, s);
    if (HAS_SUMS) { rowSums[2] += ONES * A2; }
    sums[8] = added(sums[8], B0, A2);
    sums[9] = added(sums[9], B1, A2);
    sums[10] = added(sums[10], B2, A2);
    sums[11] = added(sums[11], B3, A2);
    let A3 = aBlock(a3, k, s);
    if (HAS_SUMS) { rowSums[3] += ONES * A3; }
    sums[12] = added(sums[12], B0, A3);
    sums[13] = added(sums[13], B1, A3);
    sums[14] = added(sums[14], B2, A3);
    sums[15] = added(sums[15], B3, A3);
    let A4 = aBlock(a4, k, s);
    if (HAS_SUMS) { rowSums[4] += ONES * A4; }
    sums[16] = added(sums[16], B0, A4);
    sums[17] = added(sums[17], B1, A4);
    sums[18] = added(sums[18], B2, A4);
    sums[19] = added(sums[19], B3, A4);
    let A5 = aBlock(a5, k, s);
    if (HAS_SUMS) { rowSums[5] += ONES * A5; }
    sums[20] = added(sums[20], B0, A5);
    sums[21] = added(sums[21], B1, A5);
    sums[22] = added(sums[22], B2, A5);
    sums[23] = added(sums[23], B3, A5);
    let A6 = aBlock(a6, k, s);
    if (HAS_SUMS) { rowSums[6] += ONES * A6; }
    sums[24] = added(sums[24], B0, A6);
    sums[25] = added(sums[25], B1, A6);
    sums[26] = added(sums[26], B2, A6);
    sums[27] = added(sums[27], B3, A6);
    let A7 = aBlock(a7, k, s);
    if (HAS_SUMS) { rowSums[7] += ONES * A7; }
    sums[28] = added(sums[28], B0, A7);
    sums[29] = added(sums[29], B1, A7);
    sums[30] = added(sums[30], B2, A7);
    sums[31] = added(sums[31], B3, A7);
  }
  for (var i = 0u; i < 128u; i++) {
    let row = i / 4u;
    store(m + row, n + i % 4u * 4u, s, sums[row / 4u * 4u + i % 4u][row % 4u]);
  }
  if (HAS_SUMS) {
    for (var i = 0u; i < 8u; i++) { storeSums(m + 4u * i, n, s, rowSums[i]); }
  }
}
