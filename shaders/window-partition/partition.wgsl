// windows[b·nH·nW + i, y, x, c] = image[b, wy·WINDOW + y, wx·WINDOW + x, c], 0 outside the image;  i = wy·nW + wx
// image: [B, H, W, C]; windows: [B·nH·nW, WINDOW, WINDOW, C], nH = ⌈H/WINDOW⌉. One thread per element.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override WINDOW: u32;
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> windows: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&windows)) { return; }
  let nW = (W + WINDOW - 1u) / WINDOW;
  let nH = (H + WINDOW - 1u) / WINDOW;
  let c = i % C;
  let token = i / C;
  let window = token / (WINDOW * WINDOW);
  let inside = token % (WINDOW * WINDOW);
  let y = (window / nW) % nH * WINDOW + inside / WINDOW;
  let x = window % nW * WINDOW + inside % WINDOW;
  let b = window / (nW * nH);
  var value = 0.0;
  if (y < H && x < W) { value = image[((b * H + y) * W + x) * C + c]; }
  windows[i] = value;
}
