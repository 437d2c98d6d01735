// out[n, t, c] = x[n, t + AHEAD − BEHIND, c], zero where x has no such token
// x: [N, T_IN, C]; out: [N, T_OUT, C]. A copy: nothing is summed.
#include "lib/index"
override C: u32;
override T_IN: u32;
override T_OUT: u32;
override AHEAD: u32;
override BEHIND: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let t = (i / C) % T_OUT + AHEAD;
  if (t < BEHIND || t - BEHIND >= T_IN) {
    out[i] = 0.0;
    return;
  }
  out[i] = x[((i / (C * T_OUT)) * T_IN + t - BEHIND) * C + i % C];
}
