// rows[m, h, n] = (lse, delta, mass), which the backward kernels read: delta = Σ_d dout · out over the head's
// features, mass = mass[m/windows], or 1 without HAS_MASS
// dout, out: [M, Nq, C]; lse: [M, heads, Nq]; rows: [M, heads, Nq, 3]. One thread per query and head.
#include "lib/index"
struct Params {
  heads: u32,
  d: u32,
  queries: u32,
  windows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_MASS: bool;
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> out: array<f32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> mass: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&lse)) { return; }
  let n = i % params.queries;
  let head = i / params.queries % params.heads;
  let m = i / (params.queries * params.heads);
  let start = ((m * params.queries + n) * params.heads + head) * params.d;
  let width = params.d;
  var sum = 0.0;
  for (var d = 0u; d < width; d++) { sum += dout[start + d] * out[start + d]; }
  var weight = 1.0;
  if (HAS_MASS) { weight = mass[m / params.windows]; }
  rows[i * 3u] = lse[i];
  rows[i * 3u + 1u] = sum;
  rows[i * 3u + 2u] = weight;
}
