// The inverse of attention/to-heads-prefix for gradients: rows of tokens to out, those of the prefix, with their weight, to prefix
// out[m, token, fromHead + h, d] = x[m, h, row of prefix + token, d]      (lib/attention-heads)
// prefix[g, token, fromHead + h, d] = Σ_w x[g · windows + w, h, row of token, d], in order
// x: [M, h, rows, d]; out: [M, N, heads·d]; prefix: [M / windows, prefix, heads·d]. One thread per row with a token; y is h,
// z is m.
#include "lib/attention-heads"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> prefix: array<vec4f>;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let D4 = params.d / 4u;
  let N = arrayLength(&out) / (params.heads * D4 * groups.z);
  if (id.x >= params.prefix + N) { return; }
  let each = arrayLength(&x) / groups.z;
  let source = id.z * each + id.y * (each / groups.y) + rowOf(id.x) * D4;
  let head = (params.fromHead + id.y) * D4;
  if (id.x >= params.prefix) {
    let place = (id.z * N + id.x - params.prefix) * params.heads * D4 + head;
    for (var d = 0u; d < D4; d++) { out[place + d] = x[source + d]; }
    return;
  }
  if (id.z % params.windows != 0u) { return; }
  let place = (id.z / params.windows * params.prefix + id.x) * params.heads * D4 + head;
  for (var d = 0u; d < D4; d++) {
    var sum = vec4f();
    for (var w = 0u; w < params.windows; w++) { sum += x[source + w * each + d]; }
    prefix[place + d] = sum;
  }
}
