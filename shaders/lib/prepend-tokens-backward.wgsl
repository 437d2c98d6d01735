// dx[m, n, c] = dout[m, P + n, c],  dp[g, t, c] = Σ_m dout[m, t, c] over the windows m of group g, in order
// dout: [M, P+N, C]; dx: [M, N, C]; dp: [G, P, C]. front = P·C and row = N·C are counted in the including shader's
// alias Value, f32 or vec4f. One thread per Value of dx, and then of dp.
#include "lib/index"
struct Params {
  row: u32,
  front: u32,
  windows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> dout: array<Value>;
@group(0) @binding(1) var<storage, read_write> dx: array<Value>;
@group(0) @binding(2) var<storage, read_write> dp: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i < arrayLength(&dx)) {
    dx[i] = dout[i / params.row * (params.row + params.front) + params.front + i % params.row];
    return;
  }
  let j = i - arrayLength(&dx);
  if (j >= arrayLength(&dp)) { return; }
  let start = j / params.front * params.windows * (params.row + params.front) + j % params.front;
  var sum = Value(0.0);
  for (var w = 0u; w < params.windows; w++) { sum += dout[start + w * (params.row + params.front)]; }
  dp[j] = sum;
}
