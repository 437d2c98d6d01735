// out[b] = Σ_s partial[b, s], in order      partial: [B, S]; out: [B]. One thread a sample.
#include "lib/index"
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let b = flatIndex(id, groups);
  if (b >= arrayLength(&out)) { return; }
  let slices = arrayLength(&partial) / arrayLength(&out);
  var sum = 0.0;
  for (var s = 0u; s < slices; s++) { sum += partial[b * slices + s]; }
  out[b] = sum;
}
