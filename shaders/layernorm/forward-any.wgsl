// out[r,c] = (s[r,c] − mean_r) · rstd_r · weight[c] + bias[c],  s = x, or x + residual with HAS_RESIDUAL
// rstd_r = 1/√(var_r + eps), var over C, not C − 1
// x, residual, s, out: [R, C]; weight, bias: [C]; stats: [R, 2] = mean, rstd
// With HAS_AFTER instead: residual is added to out, and s is that sum; residual may be shorter and then repeats. With a
// KIND of activation below 3 instead: s = activation(out).
// For any C, the width. One thread per row; the variance in a pass of its own.
#include "lib/index"
struct Params {
  width: u32,
  eps: f32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_RESIDUAL: bool;
override HAS_AFTER: bool;
alias Value = f32;
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> s: array<f32>;

fn value(i: u32) -> f32 {
  if (HAS_RESIDUAL) { return x[i] + residual[i]; }
  return x[i];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&stats) / 2u) { return; }
  let C = params.width;
  let start = row * C;
  var sum = 0.0;
  for (var c = 0u; c < C; c++) { sum += value(start + c); }
  let mean = sum / f32(C);
  var squares = 0.0;
  for (var c = 0u; c < C; c++) {
    let centred = value(start + c) - mean;
    squares += centred * centred;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + params.eps);
  for (var c = 0u; c < C; c++) {
    let own = value(start + c);
    if (HAS_RESIDUAL) { s[start + c] = own; }
    let value = (own - mean) * rstd * weight[c] + bias[c];
    out[start + c] = value;
    if (HAS_AFTER) { s[start + c] = value + residual[(start + c) % arrayLength(&residual)]; }
    if (KIND < 3u) { s[start + c] = activate(value); }
  }
  stats[row * 2u] = mean;
  stats[row * 2u + 1u] = rstd;
}
