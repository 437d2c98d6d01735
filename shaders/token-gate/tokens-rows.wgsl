// open[t] = sigmoid(u[t] · weight + bias); shapes as in token-gate/tokens-any. C is a multiple of 4.
// Family of software adapters, where loads cost most: a thread takes four tokens, which share the weight.
#include "lib/sigmoid"
override C: u32;
override HAS_SECOND: bool;
@group(0) @binding(0) var<storage, read> u: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> weight2: array<vec4f>;
@group(0) @binding(4) var<storage, read> bias2: array<f32>;
@group(0) @binding(5) var<storage, read_write> open: array<f32>;
@group(0) @binding(6) var<storage, read_write> open2: array<f32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tokens = arrayLength(&open);
  let first = 4u * (id.x + id.y * groups.x * 4u);
  if (first >= tokens) { return; }
  // Past the end the last token again.
  let t = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(tokens - 1u));
  let at = t * (C / 4u);
  var sums = vec4f(bias[0]);
  var sums2 = vec4f(bias2[0]);
  for (var c = 0u; c < C / 4u; c++) {
    let values = mat4x4f(u[at.x + c], u[at.y + c], u[at.z + c], u[at.w + c]);
    sums += weight[c] * values;
    if (HAS_SECOND) { sums2 += weight2[c] * values; }
  }
  open[t.x] = sigmoidOf(sums.x);
  open[t.y] = sigmoidOf(sums.y);
  open[t.z] = sigmoidOf(sums.z);
  open[t.w] = sigmoidOf(sums.w);
  if (HAS_SECOND) {
    open2[t.x] = sigmoidOf(sums2.x);
    open2[t.y] = sigmoidOf(sums2.y);
    open2[t.z] = sigmoidOf(sums2.z);
    open2[t.w] = sigmoidOf(sums2.w);
  }
}
