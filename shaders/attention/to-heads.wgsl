// out[m, h, row, d] = scale · x[m, token, fromHead + h, d], zero on rows without a token      (lib/attention-heads)
// x: [M, N, heads·d]; out: [M, h, rows, d]. One thread per row; y is h, z is m.
#include "lib/attention-heads"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = params.d / 4u;
  let rows = arrayLength(&out) / (D4 * groups.y * groups.z);
  if (id.x >= rows) { return; }
  let N = arrayLength(&x) / (params.heads * D4 * groups.z);
  let token = tokenOf(id.x, N);
  let source = ((id.z * N + min(token, N - 1u)) * params.heads + params.fromHead + id.y) * D4;
  let place = ((id.z * groups.y + id.y) * rows + id.x) * D4;
  let weight = select(0.0, params.scale, token < N);
  for (var d = 0u; d < D4; d++) { out[place + d] = select(vec4f(), weight * x[source + d], token < N); }
}
