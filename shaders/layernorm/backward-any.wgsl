// dx[r,c] = rstd_r · (g − mean_c(g) − n · mean_c(g · n)) (+ more[r,c]),  g = dout · weight, n = (x − mean_r) · rstd_r
// x, dout, more, dx: [R, C]; weight: [C]; stats: [R, 2] = mean, rstd. For any C, the width. One thread per row.
#include "lib/index"
struct Params {
  width: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> more: array<f32>;
@group(0) @binding(5) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&stats) / 2u) { return; }
  let C = params.width;
  let start = row * C;
  let mean = stats[row * 2u];
  let rstd = stats[row * 2u + 1u];
  var sum = 0.0;
  var sumNormal = 0.0;
  for (var c = 0u; c < C; c++) {
    let g = dout[start + c] * weight[c];
    sum += g;
    sumNormal += g * (x[start + c] - mean) * rstd;
  }
  let meanG = sum / f32(C);
  let meanGN = sumNormal / f32(C);
  for (var c = 0u; c < C; c++) {
    let normal = (x[start + c] - mean) * rstd;
    var value = rstd * (dout[start + c] * weight[c] - meanG - normal * meanGN);
    if (HAS_MORE) { value += more[start + c]; }
    dx[start + c] = value;
  }
}
