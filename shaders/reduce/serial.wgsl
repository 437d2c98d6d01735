// out[b, s, c] = FACTOR · Σ_l x[b, l, c] over the l of slice s, in order; columns that out has not go to rest
// x: [B, LENGTH, COLUMNS]; out: [B, SLICES, COLUMNS], or with one slice [B, A] and rest [B, COLUMNS − A]
// Family of software adapters. One thread per output.
#include "lib/index"
#include "lib/reduce"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= outputs()) { return; }
  let slice = sliceOf(i / COLUMNS);
  var sum = 0.0;
  for (var l = slice.first; l < slice.end; l++) { sum += x[slice.start + l * COLUMNS + i % COLUMNS]; }
  put(i, sum * FACTOR);
}
