// out[m, token, FROM_HEAD + h, d] = SCALE · x[m, h, row, d]      (lib/attention-heads)
// x: [M, h, rows, D]; out: [M, N, HEADS·D]. One thread per vector of four; y is h, z is m.
#include "lib/attention-heads"
override SCALE: f32;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = D / 4u;
  let N = arrayLength(&out) / (HEADS * D4 * groups.z);
  if (id.x >= N * D4) { return; }
  let token = id.x / D4;
  let each = arrayLength(&x) / (groups.y * groups.z);
  let values = x[(id.z * groups.y + id.y) * each + rowOf(token) * D4 + id.x % D4];
  out[((id.z * N + token) * HEADS + FROM_HEAD + id.y) * D4 + id.x % D4] = SCALE * values;
}
