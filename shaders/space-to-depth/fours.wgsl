// The same as space-to-depth/any where channels are multiples of 4: a thread moves four channels of a cell, a 4 × 4 block.
#include "lib/index"
struct Params {
  height: u32,
  width: u32,
  channels: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override TO_DEPTH: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out) / 4u) { return; }
  let C = params.channels;
  let W = params.width;
  let C4 = C / 4u;
  let cell = i / C4;
  let c = i - cell * C4;
  // Rows of cells, those of all samples one after the other.
  let row = cell / (W / 2u);
  let above = (2u * row * W + 2u * (cell - row * (W / 2u))) * C4 + c;
  let below = above + W * C4;
  let coarse = cell * C + 4u * c;
  if (TO_DEPTH) {
    let block = transpose(mat4x4f(x[above], x[above + C4], x[below], x[below + C4]));
    out[coarse] = block[0];
    out[coarse + 1u] = block[1];
    out[coarse + 2u] = block[2];
    out[coarse + 3u] = block[3];
    return;
  }
  let block = transpose(mat4x4f(x[coarse], x[coarse + 1u], x[coarse + 2u], x[coarse + 3u]));
  var more = vec4f();
  if (HAS_BIAS) { more = bias[c]; }
  out[above] = block[0] + more;
  out[above + C4] = block[1] + more;
  out[below] = block[2] + more;
  out[below + C4] = block[3] + more;
}
