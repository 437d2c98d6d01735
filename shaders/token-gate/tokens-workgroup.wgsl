// open[t] = sigmoid(u[t] · weight + bias); shapes as in token-gate/tokens-any. C is a multiple of 4.
// For real GPUs: a workgroup of 64 threads takes eight tokens, eight threads each, which load neighbouring vectors.
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
var<workgroup> parts: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = 8u * (group.x + group.y * groups.x);
  let tokens = arrayLength(&open);
  let t = min(first + thread / 8u, tokens - 1u);
  // Of the first gate and of the second.
  var sums = vec2f();
  for (var c = thread % 8u; c < C / 4u; c += 8u) {
    let value = u[t * (C / 4u) + c];
    sums.x += dot(value, weight[c]);
    if (HAS_SECOND) { sums.y += dot(value, weight2[c]); }
  }
  parts[thread] = sums;
  workgroupBarrier();
  if (thread < 8u && first + thread < tokens) {
    var whole = vec2f(bias[0], bias2[0]);
    for (var i = 0u; i < 8u; i++) { whole += parts[thread * 8u + i]; }
    open[first + thread] = sigmoidOf(whole.x);
    if (HAS_SECOND) { open2[first + thread] = sigmoidOf(whole.y); }
  }
}
