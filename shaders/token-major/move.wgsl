// out[t, n, d] = x[n, first + t, d]; with BACK out[n, t, d] = x[t − first, n, d], zero where x has no such row
// outer and inner: the first two axes of out; rows: the second (with BACK the first) of x. A copy: nothing is summed.
#include "lib/index"
struct Params {
  first: u32,
  outer: u32,
  inner: u32,
  rows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override BACK: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let D = arrayLength(&out) / (params.outer * params.inner);
  let d = i % D;
  let inner = i / D % params.inner;
  let outer = i / (D * params.inner);
  if (BACK) {
    // Below first it wraps around.
    let row = inner - params.first;
    if (row < params.rows) { out[i] = x[(row * params.outer + outer) * D + d]; } else { out[i] = 0.0; }
  } else {
    out[i] = x[(inner * params.rows + params.first + outer) * D + d];
  }
}
