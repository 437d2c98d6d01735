// out[b, k] = x[b, k] + gate[b] · d[b, k]      x, d, out: [B, n]; gate: [B]. One thread per element.
#include "lib/index"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> d: array<f32>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  out[i] = x[i] + gate[i / (arrayLength(&out) / arrayLength(&gate))] * d[i];
}
