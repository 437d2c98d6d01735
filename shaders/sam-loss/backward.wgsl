// dparts[n, m] = dout·weight·(FOCAL, 1) for the token that forward chose, else 0
// dpredicted[n, m] = dout·weight·2·(predicted − real) / (supervised tokens) for a supervised token, else 0;
// 0 where real < 0
// predicted, real, dpredicted: [N, M]; mode, weight, dout: [N]; saved: [N, 4] (the token last); dparts: [N, M, 2].
// One thread per token of an object.
#include "lib/index"
override M: u32;
override FOCAL: f32;
@group(0) @binding(0) var<storage, read> predicted: array<f32>;
@group(0) @binding(1) var<storage, read> real: array<f32>;
@group(0) @binding(2) var<storage, read> mode: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read> saved: array<vec4f>;
@group(0) @binding(5) var<storage, read> dout: array<f32>;
@group(0) @binding(6) var<storage, read_write> dparts: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> dpredicted: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dpredicted)) { return; }
  let n = i / M;
  let m = i % M;
  let several = mode[n] > 0.5;
  let upstream = dout[n] * weight[n];
  let isChosen = m == u32(saved[n].w + 0.5);
  dparts[i] = select(vec2f(), vec2f(FOCAL, 1.0) * upstream, isChosen);
  let isSupervised = select(m == 0u, m > 0u, several) && real[i] >= 0.0;
  let count = select(1.0, f32(M - 1u), several);
  dpredicted[i] = select(0.0, upstream * 2.0 * (predicted[i] - real[i]) / count, isSupervised);
}
