// Keys or values behind their prefix, one head after the other (lib/attention-heads):
// out[m, h, row, d] = gate[m / windows] · p[token, fromHead + h, d] on rows of the prefix, where without HAS_GATE the weight is
//   1, then x[m, token − prefix, fromHead + h, d]; zero on rows without a token
// x: [M, N, heads·d]; p: [prefix, heads·d]; gate: [M / windows]; out: [M, h, rows, d]. One thread per row; y is h, z is m.
#include "lib/attention-heads"
override HAS_GATE: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> p: array<vec4f>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = params.d / 4u;
  let rows = arrayLength(&out) / (D4 * groups.y * groups.z);
  if (id.x >= rows) { return; }
  let N = arrayLength(&x) / (params.heads * D4 * groups.z);
  let token = tokenOf(id.x, params.prefix + N);
  let place = ((id.z * groups.y + id.y) * rows + id.x) * D4;
  let head = (params.fromHead + id.y) * D4;
  if (token < params.prefix) {
    var weight = 1.0;
    if (HAS_GATE) { weight = gate[id.z / params.windows]; }
    let source = token * params.heads * D4 + head;
    for (var d = 0u; d < D4; d++) { out[place + d] = weight * p[source + d]; }
    return;
  }
  let isThere = token < params.prefix + N;
  let source = (id.z * N + min(token - params.prefix, N - 1u)) * params.heads * D4 + head;
  for (var d = 0u; d < D4; d++) { out[place + d] = select(vec4f(), x[source + d], isThere); }
}
