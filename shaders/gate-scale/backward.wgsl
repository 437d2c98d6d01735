// dp[k] = Σ_b gate[b] · dout[b, k], in order      dout: [B, n]; gate: [B]; dp: [n]. One thread per element.
#include "lib/index"
@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read_write> dp: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let k = flatIndex(id, groups);
  if (k >= arrayLength(&dp)) { return; }
  var sum = 0.0;
  for (var b = 0u; b < arrayLength(&gate); b++) { sum += gate[b] * dout[b * arrayLength(&dp) + k]; }
  dp[k] = sum;
}
