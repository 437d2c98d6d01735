// Both gradients of a linear layer of few rows, y = x · weightᵀ:
// dx = dout · weight, which kept gets too with KEEPS; then · activation'(other) with DERIVATIVE, or + other with HAS_OTHER, or
// with HAS_GATE · that of other, [B], for the row's sample;  dweight += doutᵀ · x, and with
// HAS_SUMS dbias[n] += Σ_r dout[r, n]
// dout: [R, N]; weight, dweight: [N, K]; x, dx: [R, K]; dbias: [N]. N is √(|dout|·|weight|/|x|), as in lib/matmul-sizes.
// With SPLITS above 1 dweight and dbias get, instead of being added to, the sums over each range of rows, one after the
// other: [SPLITS, N, K] and [SPLITS, N].
// For real GPUs: workgroups of 16 × 16 threads, each with 64 × 64 of dx where z is 0 and of dweight elsewhere, as
// matmul/workgroup has them.
alias Value = f32;
#include "lib/activation"
override DERIVATIVE: bool;
override HAS_OTHER: bool;
override HAS_GATE: bool;
override KEEPS: bool;
override HAS_SUMS: bool;
override SPLITS: u32;
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(6) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(7) var<storage, read_write> kept: array<f32>;

const SIDE = 64u;
const STEP = 16u;
// [depth][row] and [depth][column].
var<workgroup> aTile: array<array<f32, SIDE>, STEP>;
var<workgroup> bTile: array<array<f32, SIDE>, STEP>;

#narrow-subgroups
@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let N = u32(round(sqrt(f32(arrayLength(&dout)) * (f32(arrayLength(&weight)) / f32(arrayLength(&x))))));
  let R = arrayLength(&dout) / N;
  let K = arrayLength(&weight) / N;
  let isWeight = group.z > 0u;
  let rows = select(R, N, isWeight);
  // Ranges are whole fours; the last takes what is left.
  let range = ((R + 3u) / 4u + SPLITS - 1u) / SPLITS * 4u;
  let split = group.z - 1u;
  let begin = select(0u, split * range, isWeight);
  let depth = select(N, min(R, begin + range), isWeight);
  let m0 = group.y * SIDE;
  let n0 = group.x * SIDE;
  if (m0 >= rows) { return; }
  // Column i is row m + i of the result.
  var sum = mat4x4f();
  var rowSums = vec4f();
  for (var d0 = begin; d0 < depth; d0 += STEP) {
    for (var r = 0u; r < 4u; r++) {
      // Element e of a 16 × 64 tile: neighbouring threads load neighbouring addresses.
      let e = thread + 256u * r;
      let across = vec2u(e / SIDE, e % SIDE);
      let place = select(vec2u(e % STEP, e / STEP), across, isWeight);
      let d = d0 + place.x;
      let m = m0 + place.y;
      var a = 0.0;
      if (d < depth && m < rows) { a = dout[select(m * N + d, d * N + m, isWeight)]; }
      aTile[place.x][place.y] = a;
      let k = d0 + across.x;
      let n = n0 + across.y;
      var b = 0.0;
      if (k < depth && n < K) {
        if (isWeight) { b = x[k * K + n]; } else { b = weight[k * K + n]; }
      }
      bTile[across.x][across.y] = b;
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let m = 4u * local.y;
      let n = 4u * local.x;
      let row = vec4f(bTile[k][n], bTile[k][n + 1u], bTile[k][n + 2u], bTile[k][n + 3u]);
      let column = vec4f(aTile[k][m], aTile[k][m + 1u], aTile[k][m + 2u], aTile[k][m + 3u]);
      sum[0] += column.x * row;
      sum[1] += column.y * row;
      sum[2] += column.z * row;
      sum[3] += column.w * row;
      if (HAS_SUMS) { rowSums += column; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    let m = m0 + 4u * local.y + i;
    for (var j = 0u; j < 4u; j++) {
      let n = n0 + 4u * local.x + j;
      if (m >= rows || n >= K) { continue; }
      let at = m * K + n;
      var value = sum[i][j];
      if (isWeight) {
        if (SPLITS == 1u) { dweight[at] += value; } else { dweight[split * N * K + at] = value; }
        continue;
      }
      if (KEEPS) { kept[at] = value; }
      if (HAS_GATE) { value *= other[at / (R * K / arrayLength(&other))]; }
      if (DERIVATIVE) { value *= activateDerivative(other[at]); }
      if (HAS_OTHER) { value += other[at % arrayLength(&other)]; }
      dx[at] = value;
    }
  }
  if (HAS_SUMS && isWeight && n0 == 0u && local.x == 0u) {
    for (var i = 0u; i < 4u; i++) {
      let m = m0 + 4u * local.y + i;
      if (m >= rows) { continue; }
      if (SPLITS == 1u) { dbias[m] += rowSums[i]; } else { dbias[split * N + m] = rowSums[i]; }
    }
  }
}
