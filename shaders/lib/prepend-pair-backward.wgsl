// lib/prepend-tokens-backward of two gradients of one shape: douts dx and dy give backX and frontP, backY and frontQ
// dx, dy: [M, P+N, C]; backs: [M, N, C]; fronts: [G, P, C], each summed over the windows of a group, in order.
// front = P·C and row = N·C are counted in the including shader's alias Value, f32 or vec4f. One thread per Value of the
// backs, and then of the fronts.
#include "lib/index"
struct Params {
  row: u32,
  front: u32,
  windows: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> dx: array<Value>;
@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read_write> backX: array<Value>;
@group(0) @binding(3) var<storage, read_write> backY: array<Value>;
@group(0) @binding(4) var<storage, read_write> frontP: array<Value>;
@group(0) @binding(5) var<storage, read_write> frontQ: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let n = arrayLength(&backX);
  if (i < 2u * n) {
    let behind = i % n / params.row * (params.row + params.front) + params.front + i % n % params.row;
    if (i < n) { backX[i] = dx[behind]; } else { backY[i - n] = dy[behind]; }
    return;
  }
  let j = i - 2u * n;
  let fronts = arrayLength(&frontP);
  if (j >= 2u * fronts) { return; }
  let at = j % fronts;
  let start = at / params.front * params.windows * (params.row + params.front) + at % params.front;
  var sum = Value(0.0);
  for (var w = 0u; w < params.windows; w++) {
    let behind = start + w * (params.row + params.front);
    if (j < fronts) { sum += dx[behind]; } else { sum += dy[behind]; }
  }
  if (j < fronts) { frontP[at] = sum; } else { frontQ[at] = sum; }
}
