// out[b, h, w, (c, dy, dx)] = image[b, c, h·STRIDE + dy − before, w·STRIDE + dx − before], zero outside; before = PATCH − STRIDE
// image: [B, CHANNELS, HEIGHT, WIDTH]; out: [B, HEIGHT/STRIDE, WIDTH/STRIDE, CHANNELS·PATCH²]. A copy: nothing is
// summed.
#include "lib/index"
override CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override PATCH: u32;
override STRIDE: u32;
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let W = WIDTH / STRIDE;
  let H = HEIGHT / STRIDE;
  let dx = i % PATCH;
  let dy = (i / PATCH) % PATCH;
  let c = (i / (PATCH * PATCH)) % CHANNELS;
  let token = i / (PATCH * PATCH * CHANNELS);
  let w = token % W;
  let h = (token / W) % H;
  let b = token / (W * H);
  // A patch ends where its stride does, so only its beginning can lie outside.
  let before = PATCH - STRIDE;
  let row = h * STRIDE + dy;
  let column = w * STRIDE + dx;
  if (row < before || column < before) {
    out[i] = 0.0;
    return;
  }
  out[i] = image[((b * CHANNELS + c) * HEIGHT + row - before) * WIDTH + column - before];
}
