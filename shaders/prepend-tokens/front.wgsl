// dp[g, t, c] = Σ_m dout[m, t, c] over the WINDOWS windows m of group g, in order
// dout: [M, P+N, C]; dp: [G, P, C]; FRONT = P·C, ROW = N·C. One thread per element.
#include "lib/index"
override ROW: u32;
override FRONT: u32;
override WINDOWS: u32;
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read_write> dp: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dp)) { return; }
  let start = i / FRONT * WINDOWS * (ROW + FRONT) + i % FRONT;
  var sum = 0.0;
  for (var w = 0u; w < WINDOWS; w++) { sum += dout[start + w * (ROW + FRONT)]; }
  dp[i] = sum;
}
