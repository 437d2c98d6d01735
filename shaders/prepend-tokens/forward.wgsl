// out[m, t, c] = p[m/(M/G), t, c] for t < P, x[m, t − P, c] after      x: [M, N, C]; p: [G, P, C]; out: [M, P+N, C]
// WINDOWS = M/G windows share one prefix. One thread per element.
#include "lib/index"
override C: u32;
override P: u32;
override WINDOWS: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let M = arrayLength(&p) / (P * C) * WINDOWS;
  let tokens = arrayLength(&out) / M;
  let m = i / tokens;
  let j = i % tokens;
  var value: f32;
  if (j < P * C) {
    value = p[m / WINDOWS * P * C + j];
  } else {
    value = x[m * (tokens - P * C) + j - P * C];
  }
  out[i] = value;
}
