// out[r,c] = (x[r,c] − mean_r) · rstd_r · weight[c] + bias[c],  rstd_r = 1/√(var_r + EPS), var over C, not C − 1
// x, out: [R, C]; weight, bias: [C]; stats: [R, 2] = mean, rstd. One thread per row; the variance in a second pass.
#include "lib/index"
override C: u32;
override EPS: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&stats) / 2u) { return; }
  let start = row * C;
  var sum = 0.0;
  for (var c = 0u; c < C; c++) { sum += x[start + c]; }
  let mean = sum / f32(C);
  var squares = 0.0;
  for (var c = 0u; c < C; c++) {
    let centred = x[start + c] - mean;
    squares += centred * centred;
  }
  let rstd = 1.0 / sqrt(squares / f32(C) + EPS);
  for (var c = 0u; c < C; c++) { out[start + c] = (x[start + c] - mean) * rstd * weight[c] + bias[c]; }
  stats[row * 2u] = mean;
  stats[row * 2u + 1u] = rstd;
}
