// out = alpha > 0 ? 1 : 0      alpha, out: one shape
#include "lib/index"
@group(0) @binding(0) var<storage, read> alpha: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  out[i] = select(0.0, 1.0, alpha[i] > 0.0);
}
