// out[m, t, c] = p[m/WINDOWS, t, c] for t < P, x[m, t − P, c] after
// x: [M, N, C]; p: [M/WINDOWS, P, C]; out: [M, P+N, C]. WINDOWS windows share one prefix. FRONT = P·C and ROW = N·C are
// counted in the including shader's alias Value, f32 or vec4f. One thread per Value.
#include "lib/index"
override ROW: u32;
override FRONT: u32;
override WINDOWS: u32;
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read> p: array<Value>;
@group(0) @binding(2) var<storage, read_write> out: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let m = i / (FRONT + ROW);
  let j = i % (FRONT + ROW);
  var value: Value;
  if (j < FRONT) {
    value = p[m / WINDOWS * FRONT + j];
  } else {
    value = x[m * ROW + j - FRONT];
  }
  out[i] = value;
}
