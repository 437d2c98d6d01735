// out[r, w, c] = max over the 2 × 2 cells of x[2r + 0 or 1, 2w + 0 or 1, c]; r counts the rows of all samples.
// x: [B, H, W, C], W and C are width and channels, H and W even; out: [B, H/2, W/2, C]. A thread a value.
#include "lib/index"
struct Params {
  width: u32,
  channels: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let C = params.channels;
  let W = params.width;
  let cell = i / C;
  let row = cell / (W / 2u);
  let above = 2u * ((row * W + (cell - row * (W / 2u))) * C) + i % C;
  let below = above + W * C;
  out[i] = max(max(x[above], x[above + C]), max(x[below], x[below + C]));
}
