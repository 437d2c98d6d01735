// out[n, row, column] = x[n, row, column], the upper left corner of x
// x: [N, IN_H, IN_W]; out: [N, OUT_H, OUT_W]. A copy: nothing is summed.
#include "lib/index"
override IN_H: u32;
override IN_W: u32;
override OUT_H: u32;
override OUT_W: u32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let plane = i / (OUT_W * OUT_H);
  out[i] = x[(plane * IN_H + (i / OUT_W) % OUT_H) * IN_W + i % OUT_W];
}
