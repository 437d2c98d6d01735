// out[i] = activation(x[i])      x, out: any shape; which one: lib/activation, KIND
#include "lib/index"
alias Value = f32;
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  out[i] = activate(x[i]);
}
