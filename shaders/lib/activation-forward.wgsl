// out[i] = activation(x[i])      x, out: [n]; which one: lib/activation, KIND
// The including shader declares alias Value, f32 or vec4f, in which n is counted. One thread per Value.
#include "lib/index"
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read_write> out: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  out[i] = activate(x[i]);
}
