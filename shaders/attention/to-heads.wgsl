// out[m, h, row, d] = SCALE · x[m, token, FROM_HEAD + h, d], zero on rows without a token      (lib/attention-heads)
// x: [M, N, HEADS·D]; out: [M, h, rows, D]. One thread per vector of four; y is h, z is m.
#include "lib/attention-heads"
override SCALE: f32;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let each = arrayLength(&out) / (groups.y * groups.z);
  if (id.x >= each) { return; }
  let D4 = D / 4u;
  let N = arrayLength(&x) / (HEADS * D4 * groups.z);
  let token = tokenOf(id.x / D4, N);
  var values = vec4f();
  if (token < N) { values = SCALE * x[((id.z * N + token) * HEADS + FROM_HEAD + id.y) * D4 + id.x % D4]; }
  out[(id.z * groups.y + id.y) * each + id.x] = values;
}
