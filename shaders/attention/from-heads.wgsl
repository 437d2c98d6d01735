// out[m, token, fromHead + h, d] = scale · x[m, h, row, d]      (lib/attention-heads)
// x: [M, h, rows, d]; out: [M, N, heads·d]. One thread per token; y is h, z is m.
#include "lib/attention-heads"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = params.d / 4u;
  let N = arrayLength(&out) / (params.heads * D4 * groups.z);
  if (id.x >= N) { return; }
  let each = arrayLength(&x) / (groups.y * groups.z);
  let source = (id.z * groups.y + id.y) * each + rowOf(id.x) * D4;
  let place = ((id.z * N + id.x) * params.heads + params.fromHead + id.y) * D4;
  let scale = params.scale;
  for (var d = 0u; d < D4; d++) { out[place + d] = scale * x[source + d]; }
}
