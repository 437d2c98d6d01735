// dalpha of hard-gate/draw: 0 where the draw is clipped      alpha, u, dout, dalpha: one shape
#include "lib/hard-gate"
@group(0) @binding(0) var<storage, read> alpha: array<f32>;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> dalpha: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dalpha)) { return; }
  let s = drawn(alpha[i], u[i]);
  let z = stretched(s);
  dalpha[i] = select(0.0, dout[i] * (HIGH - LOW) * s * (1.0 - s) / TEMPERATURE, z >= 0.0 && z <= 1.0);
}
