// out[b, s] = FACTOR · Σ_k x[b, k] over the k of slice s, in order      x: [B, LENGTH]; out: [B, SLICES]
// A long sum takes two dispatches: first the slices, then their sum. It is parallel and has the same order every time.
// One thread per slice.
#include "lib/index"
override LENGTH: u32;
override SLICES: u32;
override FACTOR: f32;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let start = i / SLICES * LENGTH;
  let each = (LENGTH + SLICES - 1u) / SLICES;
  let first = i % SLICES * each;
  var sum = 0.0;
  for (var k = first; k < min(LENGTH, first + each); k++) { sum += x[start + k]; }
  out[i] = sum * FACTOR;
}
