// out[g, r, n] = Σ_k x[FIRST + g, r, k] · weight[g, n, k] + bias[g, n], with RELU at least 0
// x: [G, R, K]; out: [COUNT, R, N]; the weights of layer g begin at g · WEIGHT_STRIDE, its bias at g · BIAS_STRIDE, counted
// in values. K and the strides of weights are multiples of 4. One thread per output, k in order.
#include "lib/index"
override COUNT: u32;
override FIRST: u32;
override K: u32;
override N: u32;
override WEIGHT_STRIDE: u32;
override BIAS_STRIDE: u32;
override RELU: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let R = arrayLength(&out) / (COUNT * N);
  let n = i % N;
  let r = i / N % R;
  let g = i / (N * R);
  let start = ((FIRST + g) * R + r) * (K / 4u);
  let by = g * (WEIGHT_STRIDE / 4u) + n * (K / 4u);
  var sum = 0.0;
  for (var k = 0u; k < K / 4u; k++) { sum += dot(x[start + k], weight[by + k]); }
  sum += bias[g * BIAS_STRIDE + n];
  out[i] = select(sum, max(sum, 0.0), RELU);
}
