// Keys or values behind their prefix, one head after the other (lib/attention-heads):
// out[m, h, row, d] = gate[m / WINDOWS] · p[token, FROM_HEAD + h, d] on rows of the prefix, where without HAS_GATE the weight is
//   1, then x[m, token − PREFIX, FROM_HEAD + h, d]; zero on rows without a token
// x: [M, N, HEADS·D]; p: [PREFIX, HEADS·D]; gate: [M / WINDOWS]; out: [M, h, rows, D]. One thread per row; y is h, z is m.
#include "lib/attention-heads"
override WINDOWS: u32;
override HAS_GATE: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> p: array<vec4f>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = D / 4u;
  let rows = arrayLength(&out) / (D4 * groups.y * groups.z);
  if (id.x >= rows) { return; }
  let N = arrayLength(&x) / (HEADS * D4 * groups.z);
  let token = tokenOf(id.x, PREFIX + N);
  let place = ((id.z * groups.y + id.y) * rows + id.x) * D4;
  let head = (FROM_HEAD + id.y) * D4;
  if (token < PREFIX) {
    var weight = 1.0;
    if (HAS_GATE) { weight = gate[id.z / WINDOWS]; }
    let source = token * HEADS * D4 + head;
    for (var d = 0u; d < D4; d++) { out[place + d] = weight * p[source + d]; }
    return;
  }
  let isThere = token < PREFIX + N;
  let source = (id.z * N + min(token - PREFIX, N - 1u)) * HEADS * D4 + head;
  for (var d = 0u; d < D4; d++) { out[place + d] = select(vec4f(), x[source + d], isThere); }
}
