// dd[b, k] = gate[b] · dout[b, k]      dout, dd: [B, n]; gate: [B]. One thread per element.
#include "lib/index"
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read_write> dd: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dd)) { return; }
  dd[i] = gate[i / (arrayLength(&dd) / arrayLength(&gate))] * dout[i];
}
