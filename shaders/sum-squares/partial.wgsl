// partial[l] = Σ over i = l, l + L, … of x[i]², in order, for l < L;  partial[L] = total where IS_MORE, else 0
// x: any shape; total: [1]; partial: [L + 1]. One thread per lane.
#include "lib/index"
override IS_MORE: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> total: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let l = flatIndex(id, groups);
  let lanes = arrayLength(&partial) - 1u;
  if (l > lanes) { return; }
  var sum = 0.0;
  if (l == lanes) {
    if (IS_MORE) { sum = total[0]; }
  } else {
    for (var i = l; i < arrayLength(&x); i += lanes) { sum += x[i] * x[i]; }
  }
  partial[l] = sum;
}
