// du[b, t, c] = dout[b]/T · s(1 − s) · weight[c],  s = open[b, t];  with HAS_SECOND + the same of weight2, open2, dout2;
//   with HAS_MORE + more[b, t, c]
// du, more: [B, T, C]; open: [B, T]; dout: [B]. The including shader declares alias Value, f32 or vec4f, and `wide`, the
// values of one. One thread for a Value of ROWS tokens, which share the weight.
#include "lib/index"
override C: u32;
override HAS_SECOND: bool;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> weight: array<Value>;
@group(0) @binding(1) var<storage, read> open: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read> weight2: array<Value>;
@group(0) @binding(4) var<storage, read> open2: array<f32>;
@group(0) @binding(5) var<storage, read> dout2: array<f32>;
@group(0) @binding(6) var<storage, read> more: array<Value>;
@group(0) @binding(7) var<storage, read_write> du: array<Value>;

const ROWS = 4u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let across = C / wide;
  let c = i % across;
  let T = arrayLength(&open);
  let first = i / across * ROWS;
  if (first >= T) { return; }
  let tokens = T / arrayLength(&dout);
  let w = weight[c];
  var w2 = Value(0.0);
  if (HAS_SECOND) { w2 = weight2[c]; }
  for (var t = first; t < min(first + ROWS, T); t++) {
    let b = t / tokens;
    let s = open[t];
    var value = dout[b] / f32(tokens) * s * (1.0 - s) * w;
    if (HAS_SECOND) {
      let s2 = open2[t];
      value += dout2[b] / f32(tokens) * s2 * (1.0 - s2) * w2;
    }
    let at = t * across + c;
    if (HAS_MORE) { value += more[at]; }
    du[at] = value;
  }
}
