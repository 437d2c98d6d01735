// partial[s,c] = Σ_r dout · (x − mean_r) · rstd_r,  partial[s,C+c] = Σ_r dout      over the rows r of slice s
// x, dout: [R, C]; stats: [R, 2]; partial: [S, 2C]. One thread per slice and column; lib/reduce sums the slices.
#include "lib/index"
struct Params {
  width: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> stats: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let C = params.width;
  let slices = arrayLength(&partial) / (2u * C);
  if (i >= slices * C) { return; }
  let slice = i / C;
  let c = i % C;
  let rows = arrayLength(&stats) / 2u;
  let length = (rows + slices - 1u) / slices;
  var dweight = 0.0;
  var dbias = 0.0;
  for (var row = slice * length; row < min(rows, (slice + 1u) * length); row++) {
    let g = dout[row * C + c];
    dweight += g * (x[row * C + c] - stats[row * 2u]) * stats[row * 2u + 1u];
    dbias += g;
  }
  partial[slice * 2u * C + c] = dweight;
  partial[slice * 2u * C + C + c] = dbias;
}
