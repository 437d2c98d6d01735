// dx[i] = dout[i] · activation'(x[i])      all of one shape; which one: lib/activation, KIND
#include "lib/index"
alias Value = f32;
#include "lib/activation"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dout: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dx)) { return; }
  dx[i] = dout[i] * activateDerivative(x[i]);
}
