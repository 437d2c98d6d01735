// open[t] = sigmoid(u[t] · weight + bias), and with HAS_SECOND open2[t] = sigmoid(u[t] · weight2 + bias2)
// u: [T, C], the tokens of all samples; weight: [C]; bias: [1]; open: [T]. For any C. One thread per token.
#include "lib/index"
#include "lib/sigmoid"
override C: u32;
override HAS_SECOND: bool;
@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> weight2: array<f32>;
@group(0) @binding(4) var<storage, read> bias2: array<f32>;
@group(0) @binding(5) var<storage, read_write> open: array<f32>;
@group(0) @binding(6) var<storage, read_write> open2: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = flatIndex(id, groups);
  if (t >= arrayLength(&open)) { return; }
  var sum = bias[0];
  for (var c = 0u; c < C; c++) { sum += u[t * C + c] * weight[c]; }
  open[t] = sigmoidOf(sum);
  if (HAS_SECOND) {
    var sum2 = bias2[0];
    for (var c = 0u; c < C; c++) { sum2 += u[t * C + c] * weight2[c]; }
    open2[t] = sigmoidOf(sum2);
  }
}
