// Attention forward for heads whose D is not a multiple of 4 or is over 80; formula and shapes as in
// attention/forward-tile. One thread per feature of out, which computes its row's scores twice: few models need
// this kernel, so it is written to be right, not fast.
#include "lib/index"
#include "lib/attention-any"
override HAS_MASS: bool;
override WINDOWS: u32;
@group(0) @binding(4) var<storage, read> mass: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let element = flatIndex(id, groups);
  if (element >= arrayLength(&out)) { return; }
  let row = rowOf(element);
  var weight = 1.0;
  if (HAS_MASS) { weight = mass[row.m / WINDOWS]; }
  let first = select(0u, PREFIX, weight == 0.0);
  var best = -3e38;
  for (var j = first; j < NK; j++) { best = max(best, score(row, j)); }
  var total = 0.0;
  var sum = 0.0;
  for (var j = first; j < NK; j++) {
    var p = exp(score(row, j) - best);
    if (j < PREFIX) { p *= weight; }
    total += p;
    sum += p * v[keyAt(row, j) + row.c];
  }
  out[element] = sum / total;
  if (row.c == 0u) { lse[row.index] = best + log(total); }
}
