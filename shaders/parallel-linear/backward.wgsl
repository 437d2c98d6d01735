// dx[FIRST + g, r, k] = Σ_n d[g, r, n] · weight[g, n, k], zero for the other rows of x; + more, of dx's shape, with HAS_MORE
// dweight[g, n, k] += Σ_r d[g, r, n] · x[FIRST + g, r, k],  dbias[g, n] += Σ_r d[g, r, n]
// d = dout, with RELU where out > 0 and else 0. Sizes as in parallel-linear/forward; the strides of dweight and dbias are
// those of weight and bias. One thread per vector of dx where z is 0 and of dweight where it is 1; sums in order.
#include "lib/index"
override COUNT: u32;
override FIRST: u32;
override K: u32;
override N: u32;
override WEIGHT_STRIDE: u32;
override BIAS_STRIDE: u32;
override RELU: bool;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> out: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dweight: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(7) var<storage, read> more: array<vec4f>;

fn upstream(at: u32) -> f32 {
  return select(dout[at], 0.0, RELU && out[at] <= 0.0);
}

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = flatIndex(id, groups);
  let R = arrayLength(&dout) / (COUNT * N);
  let k = i % (K / 4u);
  if (group.z == 0u) {
    if (i >= arrayLength(&dx)) { return; }
    let r = i / (K / 4u) % R;
    let g = i / (K / 4u * R) - FIRST;
    var sum = vec4f();
    // Below FIRST it wraps around.
    if (g < COUNT) {
      for (var n = 0u; n < N; n++) {
        sum += upstream((g * R + r) * N + n) * weight[g * (WEIGHT_STRIDE / 4u) + n * (K / 4u) + k];
      }
    }
    if (HAS_MORE) { sum += more[i]; }
    dx[i] = sum;
    return;
  }
  let n = i / (K / 4u) % N;
  let g = i / (K / 4u * N);
  if (g >= COUNT) { return; }
  var sum = vec4f();
  var sums = 0.0;
  for (var r = 0u; r < R; r++) {
    let d = upstream((g * R + r) * N + n);
    sum += d * x[((FIRST + g) * R + r) * (K / 4u) + k];
    sums += d;
  }
  dweight[g * (WEIGHT_STRIDE / 4u) + n * (K / 4u) + k] += sum;
  if (k == 0u) { dbias[g * BIAS_STRIDE + n] += sums; }
}
