// out[s, j] = Σ_i x[i, j] over the rows i of slice s, in order      x: [R, N]; out: [S, N]. One thread per output.
// Many rows take two runs: slices of them, then the slices' sum; parallel, and the same order every time.
#include "lib/index"
override N: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let rows = arrayLength(&x) / N;
  let slices = arrayLength(&out) / N;
  let each = (rows + slices - 1u) / slices;
  let first = i / N * each;
  var sum = 0.0;
  for (var row = first; row < min(rows, first + each); row++) { sum += x[row * N + i % N]; }
  out[i] = sum;
}
