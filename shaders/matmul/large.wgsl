// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. The innermost axes of a, b and out are multiples of 4.
// Family of software adapters with subgroups, for products that fill tiles of 32 × 64. As matmul/quad, but a thread
// sums 32 × 16 in 4 × 4 blocks, eight steps of k at a time, and fetches from textures (lib/matmul-texels). A block's
// columns are rows of out, so block += bBlock · aBlock. The sums equal those of the small tile bit for bit.
enable subgroups;
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

// sum + b · a, a column at a time, so that few values are alive at once.
fn added(sum: mat4x4f, b: mat4x4f, a: mat4x4f) -> mat4x4f {
  return mat4x4f(sum[0] + b * a[0], sum[1] + b * a[1], sum[2] + b * a[2], sum[3] + b * a[3]);
}

// Four rows of out, whose rows of op(a) start at `start`.
fn addRows(i: u32, start: u32, step: Step, after: Step, t: Texels, by: Columns) {
  let a = aBlock(start, step, t);
  let next = aBlock(start, after, t);
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
  let a0 = ownStart(m, s);
  let a1 = ownStart(m + 4u, s);
  let a2 = ownStart(m + 8u, s);
  let a3 = ownStart(m + 12u, s);
  let a4 = ownStart(m + 16u, s);
  let a5 = ownStart(m + 20u, s);
  let a6 = ownStart(m + 24u, s);
  let a7 = ownStart(m + 28u, s);
  let b0 = bStart(n, s);
  let b1 = bStart(n + 4u, s);
  let b2 = bStart(n + 8u, s);
  let b3 = bStart(n + 12u, s);
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
  let width = s.N / 4u;
  let left = n / 4u;
  let first = s.out / 4u + m * width + left;
  for (var i = 0u; i < 8u; i++) {
    for (var j = 0u; j < 4u; j++) {
      for (var row = 4u * i; row < 4u * i + 4u; row++) {
        if (m + row < s.M && left + j < width) {
          finish(first + row * width + j, left + j, sums[4u * i + j][row - 4u * i]);
        }
      }
    }
  }
  if (HAS_SUMS) {
    for (var i = 0u; i < 8u; i++) { storeSums(m + 4u * i, n, s, rowSums[i]); }
  }
}
