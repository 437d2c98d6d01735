// out[b, h, w, (c, dy, dx)] = x[b, h·STRIDE + dy − 1, w·STRIDE + dx − 1, c], zero outside; MIRRORED: (c, 2 − dy, 2 − dx)
// x: [B, H, W, C]; out: [B, ⌈H/STRIDE⌉, ⌈W/STRIDE⌉, C·9]. A copy: nothing is summed.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override STRIDE: u32;
override MIRRORED: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let tap = select(i % 9u, 8u - i % 9u, MIRRORED == 1u);
  let c = (i / 9u) % C;
  let token = i / (9u * C);
  let outH = (H + STRIDE - 1u) / STRIDE;
  let outW = (W + STRIDE - 1u) / STRIDE;
  // One is added to both so that they stay unsigned; the border is then 0 and H + 1.
  let px = token % outW * STRIDE + tap % 3u;
  let py = (token / outW) % outH * STRIDE + tap / 3u;
  if (px == 0u || px > W || py == 0u || py > H) {
    out[i] = 0.0;
    return;
  }
  let b = token / (outW * outH);
  out[i] = x[((b * H + py - 1u) * W + px - 1u) * C + c];
}
