// TO_DEPTH: out[b, h/2, w/2, (c, h mod 2, w mod 2)] = x[b, h, w, c]; otherwise the inverse.
// The larger grid is [B, H, W, C], height, width and channels, the other [B, H/2, W/2, C·4]. A copy: nothing is summed. With
// HAS_BIAS the inverse adds bias[c].
#include "lib/index"
struct Params {
  height: u32,
  width: u32,
  channels: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override TO_DEPTH: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let H = params.height;
  let W = params.width;
  let C = params.channels;
  let c = i % C;
  let w = i / C % W;
  let h = i / (C * W) % H;
  let b = i / (C * W * H);
  let cell = (b * (H / 2u) + h / 2u) * (W / 2u) + w / 2u;
  let j = (cell * C + c) * 4u + (h % 2u) * 2u + w % 2u;
  if (TO_DEPTH) {
    out[j] = x[i];
    return;
  }
  var value = x[j];
  if (HAS_BIAS) { value += bias[c]; }
  out[i] = value;
}
