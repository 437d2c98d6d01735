// image[b, y, x, c] = windows[b·nH·nW + (y/WINDOW)·nW + x/WINDOW, y mod WINDOW, x mod WINDOW, c]; the padding is cut
// image: [B, H, W, C]; windows: [B·nH·nW, WINDOW, WINDOW, C], nH = ⌈H/WINDOW⌉. One thread per element.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override WINDOW: u32;
@group(0) @binding(0) var<storage, read> windows: array<f32>;
@group(0) @binding(1) var<storage, read_write> image: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&image)) { return; }
  let nW = (W + WINDOW - 1u) / WINDOW;
  let nH = (H + WINDOW - 1u) / WINDOW;
  let c = i % C;
  let x = i / C % W;
  let y = i / (C * W) % H;
  let b = i / (C * W * H);
  let window = (b * nH + y / WINDOW) * nW + x / WINDOW;
  image[i] = windows[((window * WINDOW + y % WINDOW) * WINDOW + x % WINDOW) * C + c];
}
