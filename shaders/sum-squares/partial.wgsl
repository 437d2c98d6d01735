// partial[l] = Σ over i = l, l + |partial|, … of x[i]²      x: any shape; partial: [lanes]
// One thread per lane, in order.
#include "lib/index"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let l = flatIndex(id, groups);
  let lanes = arrayLength(&partial);
  if (l >= lanes) { return; }
  var sum = 0.0;
  for (var i = l; i < arrayLength(&x); i += lanes) { sum += x[i] * x[i]; }
  partial[l] = sum;
}
