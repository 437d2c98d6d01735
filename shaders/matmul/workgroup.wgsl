// out[z] = op(a[z]) · op(b[z]), then lib/matmul-epilogue      op(a): [M, K], op(b): [K, N], out: [Z, M, N]
// A_T: a is stored [K, M]; B_T: b is stored [N, K]. Any sizes: what lies outside is zero.
// Family of real GPUs. A workgroup of 16 × 16 threads computes 64 × 64 of out and steps through K by 16 in workgroup
// memory (8 KiB). A thread sums 4 × 4 in registers, k in order. Neighbouring threads load neighbouring addresses in
// every layout.
override A_T: bool;
override B_T: bool;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
alias Value = f32;
#include "lib/matmul-epilogue"
#include "lib/matmul-sizes"

const SIDE = 64u;
const STEP = 16u;
// [k][m] and [k][n]: a thread reads its four rows and its four columns as one vector each.
var<workgroup> aTile: array<array<f32, SIDE>, STEP>;
var<workgroup> bTile: array<array<f32, SIDE>, STEP>;

// Element e of a 16 × 64 tile as (k, position): along the axis on which neighbours lie side by side in the buffer.
fn element(e: u32, alongK: bool) -> vec2u {
  return select(vec2u(e / SIDE, e % SIDE), vec2u(e % STEP, e / STEP), alongK);
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let s = sizes(arrayLength(&a), arrayLength(&b), arrayLength(&out), group.z, groups.z);
  let m0 = group.y * SIDE;
  let n0 = group.x * SIDE;
  // Column i is row m + i of out.
  var sum = mat4x4f();
  var rowSums = vec4f();
  for (var k0 = s.begin; k0 < s.end; k0 += STEP) {
    for (var r = 0u; r < 4u; r++) {
      let ka = element(thread + 256u * r, !A_T);
      let k = k0 + ka.x;
      let m = m0 + ka.y;
      var value = 0.0;
      if (k < s.end && m < s.M) { value = a[s.a + select(m * s.K + k, k * s.M + m, A_T)]; }
      aTile[ka.x][ka.y] = value;
    }
    for (var r = 0u; r < 4u; r++) {
      let kb = element(thread + 256u * r, B_T);
      let k = k0 + kb.x;
      let n = n0 + kb.y;
      var value = 0.0;
      if (k < s.end && n < s.N) { value = b[s.b + select(k * s.N + n, n * s.K + k, B_T)]; }
      bTile[kb.x][kb.y] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let m = 4u * local.y;
      let n = 4u * local.x;
      let row = vec4f(bTile[k][n], bTile[k][n + 1u], bTile[k][n + 2u], bTile[k][n + 3u]);
      sum[0] += aTile[k][m] * row;
      sum[1] += aTile[k][m + 1u] * row;
      sum[2] += aTile[k][m + 2u] * row;
      sum[3] += aTile[k][m + 3u] * row;
      if (HAS_SUMS) { rowSums += vec4f(aTile[k][m], aTile[k][m + 1u], aTile[k][m + 2u], aTile[k][m + 3u]); }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let m = m0 + 4u * local.y + i;
    for (var j = 0u; j < 4u; j++) {
      let n = n0 + 4u * local.x + j;
      if (m >= s.M || n >= s.N) { continue; }
      finish(s.out + m * s.N + n, n, sum[i][j]);
    }
  }
  if (HAS_SUMS && n0 == 0u && local.x == 0u) {
    for (var i = 0u; i < 4u; i++) {
      let m = m0 + 4u * local.y + i;
      if (m < s.M) { finishSums(s.part * s.M + m, rowSums[i]); }
    }
  }
}
