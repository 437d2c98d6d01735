// du[b, t, c] = dout[b]/T · s(1 − s) · weight[c],  s = open[b, t];  with HAS_SECOND + the same of weight2, open2, dout2;
//   with HAS_MORE + more[b, t, c]
// du, more: [B, T, C]; open: [B, T]; dout: [B]. The including shader declares alias Value, f32 or vec4f, and `wide`, the
// values of one. One thread per Value.
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&du)) { return; }
  let t = i / (C / wide);
  let tokens = arrayLength(&open) / arrayLength(&dout);
  let s = open[t];
  var value = dout[t / tokens] / f32(tokens) * s * (1.0 - s) * weight[i % (C / wide)];
  if (HAS_SECOND) {
    let s2 = open2[t];
    value += dout2[t / tokens] / f32(tokens) * s2 * (1.0 - s2) * weight2[i % (C / wide)];
  }
  if (HAS_MORE) { value += more[i]; }
  du[i] = value;
}
