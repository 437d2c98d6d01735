// out[m, t, c] = p[m/windows, t, c] for t < P, x[m, t − P, c] after
// x: [M, N, C]; p: [M/windows, P, C]; out: [M, P+N, C]. As many windows as `windows` says share one prefix. front = P·C and row = N·C are
// counted in the including shader's alias Value, f32 or vec4f. One thread per Value.
#include "lib/index"
struct Params {
  row: u32,
  front: u32,
  windows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read> p: array<Value>;
@group(0) @binding(2) var<storage, read_write> out: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let m = i / (params.front + params.row);
  let j = i % (params.front + params.row);
  var value: Value;
  if (j < params.front) {
    value = p[m / params.windows * params.front + j];
  } else {
    value = x[m * params.row + j - params.front];
  }
  out[i] = value;
}
