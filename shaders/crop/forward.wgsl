// out[n, row, column] = x[n, row, column], the upper left corner of x
// x: [N, inH, inW]; out: [N, outH, outW]. A copy: nothing is summed.
#include "lib/planes"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.outW) { return; }
  out[(id.z * params.outH + id.y) * params.outW + id.x] = x[(id.z * params.inH + id.y) * params.inW + id.x];
}
