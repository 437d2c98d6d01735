// As depthwise-conv3/forward where C is a multiple of 4. One thread for 4 channels of 4 neighbours of a row, so that a
// weight is read once and a token three times.
#include "lib/index"
override H: u32;
override W: u32;
override C: u32;
override STRIDE: u32;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let C4 = C / 4u;
  let outH = (H + STRIDE - 1u) / STRIDE;
  let outW = (W + STRIDE - 1u) / STRIDE;
  let runs = (outW + 3u) / 4u;
  let c = i % C4;
  let first = i / C4 % runs * 4u;
  let line = i / (C4 * runs);
  if (line >= arrayLength(&out) / (C4 * outW)) { return; }
  // One is added to rows and columns so that they stay unsigned; the border is then 0 and H + 1.
  let top = line % outH * STRIDE;
  let image = line / outH * H;
  var sums = array<vec4f, 4>(bias[c], bias[c], bias[c], bias[c]);
  for (var dy = 0u; dy < 3u; dy++) {
    let y = top + dy;
    if (y == 0u || y > H) { continue; }
    let row = (image + y - 1u) * W;
    for (var dx = 0u; dx < 3u; dx++) {
      let w = weight[(dy * 3u + dx) * C4 + c];
      for (var n = 0u; n < 4u; n++) {
        let column = (first + n) * STRIDE + dx;
        if (column == 0u || column > W) { continue; }
        sums[n] += w * x[(row + column - 1u) * C4 + c];
      }
    }
  }
  for (var n = 0u; n < min(4u, outW - first); n++) { out[(line * outW + first + n) * C4 + c] = sums[n]; }
}
