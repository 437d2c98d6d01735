// out[b, s, c] = factor · Σ_l x[b, l, c] over the l of slice s, in order; columns that out has not go to rest
// x: [B, length, columns]; out: [B, slices, columns], or with one slice [B, A] and rest [B, columns − A]
// Family of software adapters. One thread per output.
#include "lib/index"
#include "lib/reduce"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= outputs()) { return; }
  let slice = sliceOf(i / params.columns);
  let column = i % params.columns;
  let columns = params.columns;
  var sum = 0.0;
  for (var l = slice.first; l < slice.end; l++) { sum += x[slice.start + l * columns + column]; }
  put(i, sum * params.factor);
}
