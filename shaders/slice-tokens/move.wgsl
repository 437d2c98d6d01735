// out[n, t, c] = x[n, t + ahead − behind, c], zero where x has no such token
// x: [N, tokensIn, C]; out: [N, tokensOut, C], C the features. A copy: nothing is summed.
#include "lib/index"
struct Params {
  features: u32,
  tokensIn: u32,
  tokensOut: u32,
  ahead: u32,
  behind: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let C = params.features;
  let T = params.tokensOut;
  let t = i / C % T + params.ahead;
  if (t < params.behind || t - params.behind >= params.tokensIn) {
    out[i] = 0.0;
    return;
  }
  out[i] = x[(i / (C * T) * params.tokensIn + t - params.behind) * C + i % C];
}
