// dweight[c] = Σ_s partial[s, c],  dbias = Σ_s partial[s, C]      partial: [S, C+1]. One thread a column, in order.
#include "lib/index"
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = flatIndex(id, groups);
  let C = arrayLength(&dweight);
  if (c > C) { return; }
  var sum = 0.0;
  for (var i = c; i < arrayLength(&partial); i += C + 1u) { sum += partial[i]; }
  if (c < C) { dweight[c] = sum; } else { dbias[0] = sum; }
}
