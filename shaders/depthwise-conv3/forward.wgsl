// out[b, h, w, c] = bias[c] + Σ over taps (dy, dx) of weight[(dy, dx), c] · x[b, h·STRIDE + dy − 1, w·STRIDE + dx − 1, c]
// with x zero outside
// x: [B, H, W, C]; weight: [9, C]; bias: [C]; out: [B, ⌈H/STRIDE⌉, ⌈W/STRIDE⌉, C]. One thread per output, taps in order.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override STRIDE: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let c = i % C;
  let token = i / C;
  let outH = (H + STRIDE - 1u) / STRIDE;
  let outW = (W + STRIDE - 1u) / STRIDE;
  // One is added to both so that they stay unsigned; the border is then 0 and H + 1.
  let left = token % outW * STRIDE;
  let top = (token / outW) % outH * STRIDE;
  let b = token / (outW * outH);
  var sum = bias[c];
  for (var dy = 0u; dy < 3u; dy++) {
    let y = top + dy;
    if (y == 0u || y > H) { continue; }
    let row = (b * H + y - 1u) * W;
    for (var dx = 0u; dx < 3u; dx++) {
      let column = left + dx;
      if (column == 0u || column > W) { continue; }
      sum += weight[(dy * 3u + dx) * C + c] * x[(row + column - 1u) * C + c];
    }
  }
  out[i] = sum;
}
