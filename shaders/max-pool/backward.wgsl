// dx = dout at the first of the largest of each 2 × 2 cells in the order of rows, 0 at the other three.
// x, dx: [B, H, W, C], W and C are width and channels, H and W even; dout: [B, H/2, W/2, C]. A thread a value of dout: nothing is
// summed.
#include "lib/index"
struct Params {
  width: u32,
  channels: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dout: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dout)) { return; }
  let C = params.channels;
  let W = params.width;
  let cell = i / C;
  let row = cell / (W / 2u);
  let above = 2u * ((row * W + (cell - row * (W / 2u))) * C) + i % C;
  let below = above + W * C;
  var largest = 0u;
  var most = x[above];
  if (x[above + C] > most) { most = x[above + C]; largest = 1u; }
  if (x[below] > most) { most = x[below]; largest = 2u; }
  if (x[below + C] > most) { largest = 3u; }
  let d = dout[i];
  dx[above] = select(0.0, d, largest == 0u);
  dx[above + C] = select(0.0, d, largest == 1u);
  dx[below] = select(0.0, d, largest == 2u);
  dx[below + C] = select(0.0, d, largest == 3u);
}
