// out[m, h, n, j] = q[m, n, h] · relPosH[qh − j + GRID_H − 1] for j < GRID_H,
//                   q[m, n, h] · relPosW[qw − (j − GRID_H) + GRID_W − 1] after;      token n = qh·GRID_W + qw
// q: [M, GRID_H·GRID_W, HEADS·D]; relPosH: [2·GRID_H − 1, D]; relPosW: [2·GRID_W − 1, D];
// out: [M, HEADS, n, GRID_H+GRID_W]. One thread per element.
#include "lib/index"
override HEADS: u32;
override D: u32;
override GRID_H: u32;
override GRID_W: u32;
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> relPosH: array<f32>;
@group(0) @binding(2) var<storage, read> relPosW: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&out)) { return; }
  let width = GRID_H + GRID_W;
  let tokens = GRID_H * GRID_W;
  let j = i % width;
  let n = i / width % tokens;
  let head = i / (width * tokens) % HEADS;
  let m = i / (width * tokens * HEADS);
  let start = ((m * tokens + n) * HEADS + head) * D;
  var sum = 0.0;
  if (j < GRID_H) {
    let row = (n / GRID_W + GRID_H - 1u - j) * D;
    for (var c = 0u; c < D; c++) { sum += q[start + c] * relPosH[row + c]; }
  } else {
    let row = (n % GRID_W + GRID_W - 1u - (j - GRID_H)) * D;
    for (var c = 0u; c < D; c++) { sum += q[start + c] * relPosW[row + c]; }
  }
  out[i] = sum;
}
