// dx[m, n, c] = dout[m, P + n, c]      dout: [M, P+N, C]; dx: [M, N, C]; ROW = N·C, SKIP = P·C. One thread per
// element.
#include "lib/index"
override ROW: u32;
override SKIP: u32;
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dx)) { return; }
  dx[i] = dout[i / ROW * (ROW + SKIP) + SKIP + i % ROW];
}
