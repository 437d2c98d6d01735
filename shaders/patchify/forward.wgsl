// out[b, h, w, (c, dy, dx)] = image[b, c, h·PATCH + dy, w·PATCH + dx]
// image: [B, CHANNELS, HEIGHT, WIDTH]; out: [B, HEIGHT/PATCH, WIDTH/PATCH, CHANNELS·PATCH²]. A copy: nothing is
// summed.
#include "lib/index"
override CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override PATCH: u32;
@group(0) @binding(0) var<storage, read> image: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let W = WIDTH / PATCH;
  let H = HEIGHT / PATCH;
  let dx = i % PATCH;
  let dy = (i / PATCH) % PATCH;
  let c = (i / (PATCH * PATCH)) % CHANNELS;
  let token = i / (PATCH * PATCH * CHANNELS);
  let w = token % W;
  let h = (token / W) % H;
  let b = token / (W * H);
  out[i] = image[((b * CHANNELS + c) * HEIGHT + h * PATCH + dy) * WIDTH + w * PATCH + dx];
}
