// lib/prepend-tokens of two sequences of one shape, whose prefix is weighed:
// outX[m] = [gate[m/windows]·p ; x[m]],  outY[m] = [gate[m/windows]·q ; y[m]]; without HAS_GATE the weight is 1
// x, y: [M, N, C]; p, q: [P, C]; gate: [M/windows]. front = P·C and row = N·C are counted in the including shader's alias
// Value, f32 or vec4f. One thread per Value of outX, and then of outY.
#include "lib/index"
struct Params {
  row: u32,
  front: u32,
  windows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_GATE: bool;
@group(0) @binding(0) var<storage, read> x: array<Value>;
@group(0) @binding(1) var<storage, read> y: array<Value>;
@group(0) @binding(2) var<storage, read> p: array<Value>;
@group(0) @binding(3) var<storage, read> q: array<Value>;
@group(0) @binding(4) var<storage, read> gate: array<f32>;
@group(0) @binding(5) var<storage, read_write> outX: array<Value>;
@group(0) @binding(6) var<storage, read_write> outY: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let n = arrayLength(&outX);
  if (i >= 2u * n) { return; }
  let m = i % n / (params.front + params.row);
  let j = i % n % (params.front + params.row);
  let isX = i < n;
  var value: Value;
  if (j < params.front) {
    if (isX) { value = p[j]; } else { value = q[j]; }
    if (HAS_GATE) { value *= gate[m / params.windows]; }
  } else {
    let at = m * params.row + j - params.front;
    if (isX) { value = x[at]; } else { value = y[at]; }
  }
  if (isX) { outX[i] = value; } else { outY[i - n] = value; }
}
