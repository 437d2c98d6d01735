// du[b, t, c] = dout[b]/T · s(1 − s) · weight[c],  s = open[b, t]
// du: [B, T, C]; open: [B, T]; dout: [B]. The including shader declares alias Value, f32 or vec4f, and `wide`, the
// values of one. One thread per Value.
#include "lib/index"
override C: u32;
@group(0) @binding(0) var<storage, read> weight: array<Value>;
@group(0) @binding(1) var<storage, read> open: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> du: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&du)) { return; }
  let t = i / (C / wide);
  let tokens = arrayLength(&open) / arrayLength(&dout);
  let s = open[t];
  du[i] = dout[t / tokens] / f32(tokens) * s * (1.0 - s) * weight[i % (C / wide)];
}
