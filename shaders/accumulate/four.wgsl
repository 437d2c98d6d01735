// tK += xK for four pairs, each of its own length. One thread per element of the longest.
#include "lib/index"
@group(0) @binding(0) var<storage, read_write> t0: array<f32>;
@group(0) @binding(1) var<storage, read> x0: array<f32>;
@group(0) @binding(2) var<storage, read_write> t1: array<f32>;
@group(0) @binding(3) var<storage, read> x1: array<f32>;
@group(0) @binding(4) var<storage, read_write> t2: array<f32>;
@group(0) @binding(5) var<storage, read> x2: array<f32>;
@group(0) @binding(6) var<storage, read_write> t3: array<f32>;
@group(0) @binding(7) var<storage, read> x3: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i < arrayLength(&t0)) { t0[i] += x0[i]; }
  if (i < arrayLength(&t1)) { t1[i] += x1[i]; }
  if (i < arrayLength(&t2)) { t2[i] += x2[i]; }
  if (i < arrayLength(&t3)) { t3[i] += x3[i]; }
}
