// out[j] = Σ_i x[i·|out| + j]      x: [..., |out|]. One thread an output, in order: the sum is the same every time.
#include "lib/index"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let j = flatIndex(id, groups);
  let n = arrayLength(&out);
  if (j >= n) { return; }
  var sum = 0.0;
  for (var i = j; i < arrayLength(&x); i += n) { sum += x[i]; }
  out[j] = sum;
}
