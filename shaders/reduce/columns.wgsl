// first[c] = Σ_s partial[s, c],  second[c] = Σ_s partial[s, A + c]      partial: [S, A+B]; first: [A]; second: [B]
// One thread per column, slices in order.
#include "lib/index"
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> first: array<f32>;
@group(0) @binding(2) var<storage, read_write> second: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = flatIndex(id, groups);
  let A = arrayLength(&first);
  let columns = A + arrayLength(&second);
  if (c >= columns) { return; }
  var sum = 0.0;
  for (var i = c; i < arrayLength(&partial); i += columns) { sum += partial[i]; }
  if (c < A) { first[c] = sum; } else { second[c - A] = sum; }
}
