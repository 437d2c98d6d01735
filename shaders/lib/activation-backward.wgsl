// dx[i] = dout[i] · activation'(x[i])      all [n]; which one: lib/activation, KIND
// The including shader declares alias Value, f32 or vec4f, in which n is counted. One thread per Value.
#include "lib/index"
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read> dout: array<Value>;
@group(0) @binding(2) var<storage, read_write> dx: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dx)) { return; }
  dx[i] = dout[i] * activateDerivative(x[i]);
}
