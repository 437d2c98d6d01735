// out[t, n, d] = x[n, FIRST + t, d]; with BACK out[n, t, d] = x[t − FIRST, n, d], zero where x has no such row
// OUTER and INNER: the first two axes of out; ROWS: the second (with BACK the first) of x. A copy: nothing is summed.
#include "lib/index"
override FIRST: u32;
override OUTER: u32;
override INNER: u32;
override ROWS: u32;
override BACK: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let D = arrayLength(&out) / (OUTER * INNER);
  let d = i % D;
  let inner = i / D % INNER;
  let outer = i / (D * INNER);
  if (BACK) {
    // Below FIRST it wraps around.
    let row = inner - FIRST;
    if (row < ROWS) { out[i] = x[(row * OUTER + outer) * D + d]; } else { out[i] = 0.0; }
  } else {
    out[i] = x[(inner * ROWS + FIRST + outer) * D + d];
  }
}
