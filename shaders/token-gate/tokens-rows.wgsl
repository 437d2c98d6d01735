// open[t] = sigmoid(u[t] · weight + bias); shapes as in token-gate/tokens-any. C is a multiple of 4.
// Family of software adapters, where loads cost most: a thread takes four tokens, which share the weight.
#include "lib/sigmoid"
override C: u32;
@group(0) @binding(0) var<storage, read> u: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> open: array<f32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tokens = arrayLength(&open);
  let first = 4u * (id.x + id.y * groups.x * 4u);
  if (first >= tokens) { return; }
  // Past the end the last token again.
  let t = min(first + vec4u(0u, 1u, 2u, 3u), vec4u(tokens - 1u));
  let at = t * (C / 4u);
  var sums = vec4f(bias[0]);
  for (var c = 0u; c < C / 4u; c++) {
    let w = weight[c];
    sums += vec4f(dot(u[at.x + c], w), dot(u[at.y + c], w), dot(u[at.z + c], w), dot(u[at.w + c], w));
  }
  open[t.x] = sigmoidOf(sums.x);
  open[t.y] = sigmoidOf(sums.y);
  open[t.z] = sigmoidOf(sums.z);
  open[t.w] = sigmoidOf(sums.w);
}
