// out[n, j] = x[index[n], j]      x: [B, ROW]; index: [N]; out: [N, ROW]. One thread per element.
#include "lib/index"
override ROW: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  out[i] = x[u32(index[i / ROW]) * ROW + i % ROW];
}
