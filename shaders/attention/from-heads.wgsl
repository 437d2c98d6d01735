// out[m, token, FROM_HEAD + h, d] = SCALE · x[m, h, row, d]      (lib/attention-heads)
// x: [M, h, rows, D]; out: [M, N, HEADS·D]. One thread per token; y is h, z is m.
#include "lib/attention-heads"
override SCALE: f32;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = D / 4u;
  let N = arrayLength(&out) / (HEADS * D4 * groups.z);
  if (id.x >= N) { return; }
  let each = arrayLength(&x) / (groups.y * groups.z);
  let source = (id.z * groups.y + id.y) * each + rowOf(id.x) * D4;
  let place = ((id.z * N + id.x) * HEADS + FROM_HEAD + id.y) * D4;
  for (var d = 0u; d < D4; d++) { out[place + d] = SCALE * x[source + d]; }
}
