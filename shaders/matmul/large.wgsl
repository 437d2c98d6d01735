// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups, for products that fill tiles of 32 × 64. As matmul/quad, but a thread
// sums 32 × 16 in 4 × 4 blocks, eight steps of k at a time, and fetches from textures (lib/matmul-texels). A block's
// columns are rows of out, so block += bBlock · aBlock. The sums equal those of the small tile bit for bit.
enable subgroups;
const ALONG_M = false;
#include "lib/matmul-sizes"
#include "lib/matmul-texels"
// While they are summed every index is a constant once the functions are inlined: the adapter then knows the place, any
// other index it looks up lane by lane.
var<private> sums: array<mat4x4f, 32>;
var<private> rowSums: array<vec4f, 8>;
const ONES = vec4f(1.0);

// Blocks of op(b) from k to k + 3, and from k + 4 to k + 7.
struct Columns {
  b0: mat4x4f,
  b1: mat4x4f,
  b2: mat4x4f,
  b3: mat4x4f,
  c0: mat4x4f,
  c1: mat4x4f,
  c2: mat4x4f,
  c3: mat4x4f,
}

// Four rows of out, whose rows of op(a) are at `places`.
fn addRows(i: u32, places: vec4u, step: Step, after: Step, t: Texels, by: Columns) {
  let a = aBlock(places, step, t);
  let next = aBlock(places, after, t);
  if (HAS_SUMS) { rowSums[i] += ONES * a + ONES * next; }
  sums[4u * i] = added(added(sums[4u * i], by.b0, a), by.c0, next);
  sums[4u * i + 1u] = added(added(sums[4u * i + 1u], by.b1, a), by.c1, next);
  sums[4u * i + 2u] = added(added(sums[4u * i + 2u], by.b2, a), by.c2, next);
  sums[4u * i + 3u] = added(added(sums[4u * i + 3u], by.b3, a), by.c3, next);
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) invocation: u32,
) {
  lane = invocation & 3u;
  let s = sizes(4u * arrayLength(&a), 4u * arrayLength(&b), 4u * arrayLength(&out), group.z, groups.z);
  let t = texels(s);
  let m = group.y * 32u;
  let n = (group.x * 4u + lane) * 16u;
  let a0 = aPlaces(m, s);
  let a1 = aPlaces(m + 4u, s);
  let a2 = aPlaces(m + 8u, s);
  let a3 = aPlaces(m + 12u, s);
  let a4 = aPlaces(m + 16u, s);
  let a5 = aPlaces(m + 20u, s);
  let a6 = aPlaces(m + 24u, s);
  let a7 = aPlaces(m + 28u, s);
  let b0 = bPlaces(n, s);
  let b1 = bPlaces(n + 4u, s);
  let b2 = bPlaces(n + 8u, s);
  let b3 = bPlaces(n + 12u, s);
  for (var i = s.begin / 4u; 4u * i < s.end; i += 2u) {
    let step = stepAt(i, s, t);
    let after = stepAt(i + 1u, s, t);
    let by = Columns(
      bBlock(b0, step, t),
      bBlock(b1, step, t),
      bBlock(b2, step, t),
      bBlock(b3, step, t),
      bBlock(b0, after, t),
      bBlock(b1, after, t),
      bBlock(b2, after, t),
      bBlock(b3, after, t),
    );
    addRows(0u, a0, step, after, t, by);
    addRows(1u, a1, step, after, t, by);
    addRows(2u, a2, step, after, t, by);
    addRows(3u, a3, step, after, t, by);
    addRows(4u, a4, step, after, t, by);
    addRows(5u, a5, step, after, t, by);
    addRows(6u, a6, step, after, t, by);
    addRows(7u, a7, step, after, t, by);
  }
  let corner = cornerAt(m, n, s);
  for (var j = 0u; j < 4u; j++) {
    let columnBias = biasAt(corner.left + j);
    for (var i = 0u; i < 8u; i++) {
      for (var row = 0u; row < 4u; row++) {
        storeAt(corner, 4u * i + row, j, s, sums[4u * i + j][row] + columnBias);
      }
    }
  }
  if (HAS_SUMS) {
    for (var i = 0u; i < 8u; i++) { storeSums(m + 4u * i, n, s, rowSums[i]); }
  }
}
