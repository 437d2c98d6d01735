// dx[b, j] = Σ over n with index[n] = b of dout[n, j]      dout: [N, ROW]; index: [N]; dx: [B, ROW]
// One thread per element, in the order of n.
#include "lib/index"
override ROW: u32;
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dx)) { return; }
  var sum = 0.0;
  for (var n = 0u; n < arrayLength(&index); n++) {
    if (u32(index[n]) == i / ROW) { sum += dout[n * ROW + i % ROW]; }
  }
  dx[i] = sum;
}
