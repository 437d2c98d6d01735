// out[i] = x[i] + gate[b] · y[i mod |y|], b the part of out that i is in; without x, gate or mod by HAS_X, HAS_GATE and
// REPEATS; x[i] · gate[b] · y with MULTIPLIES; with ADDS out[i] += the same
// x, out: [n]; y: [n] or, with REPEATS, a part of n; gate: [B]. The including shader declares alias Value, f32 or vec4f,
// in which n, |y| and n/B are counted. One thread per Value.
#include "lib/index"
override HAS_X: bool;
override HAS_GATE: bool;
override REPEATS: bool;
override ADDS: bool;
override MULTIPLIES: bool;
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read> y: array<Value>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  var j = i;
  if (REPEATS) { j = i % arrayLength(&y); }
  var value = y[j];
  if (HAS_GATE) { value *= gate[i / (arrayLength(&out) / arrayLength(&gate))]; }
  if (MULTIPLIES) { value *= x[i]; } else if (HAS_X) { value += x[i]; }
  if (ADDS) { value += out[i]; }
  out[i] = value;
}
