// rel-pos-bias/backward for heads whose D is a multiple of 4; formula and shapes as there. One thread per 4
// neighbouring queries of a grid row × 4 features. They read the same row of relPosH; of relPosW they read four
// rows, of which one is new at each step. The dispatch's z is m · HEADS + head.
#include "lib/index"
override HEADS: u32;
override D: u32;
override GRID_H: u32;
override GRID_W: u32;
override HAS_MORE: bool;
@group(0) @binding(0) var<storage, read> relPosH: array<vec4f>;
@group(0) @binding(1) var<storage, read> relPosW: array<vec4f>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(4) var<storage, read> more: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let D4 = D / 4u;
  let acrossW = (GRID_W + 3u) / 4u;
  if (i >= GRID_H * acrossW * D4) { return; }
  let d = i % D4;
  let x0 = i / D4 % acrossW * 4u;
  let y = i / (D4 * acrossW);
  let tokens = GRID_H * GRID_W;
  let x = min(x0 + vec4u(0u, 1u, 2u, 3u), vec4u(GRID_W - 1u));
  let m = id.z / HEADS;
  let head = id.z % HEADS;
  let at = ((m * HEADS + head) * tokens + y * GRID_W + x) * (GRID_H + GRID_W);
  var sums = mat4x4f();
  for (var j = 0u; j < GRID_H; j++) {
    let table = relPosH[(y + GRID_H - 1u - j) * D4 + d];
    sums += mat4x4f(table * dout[at.x + j], table * dout[at.y + j], table * dout[at.z + j], table * dout[at.w + j]);
  }
  // Row x + GRID_W − 1 − j of the table for each query; past the grid's edge any row will do, those queries are not
  // written.
  let last = 2u * GRID_W - 2u;
  var ahead1 = relPosW[min(x0 + GRID_W, last) * D4 + d];
  var ahead2 = relPosW[min(x0 + GRID_W + 1u, last) * D4 + d];
  var ahead3 = relPosW[min(x0 + GRID_W + 2u, last) * D4 + d];
  for (var j = 0u; j < GRID_W; j++) {
    let table = relPosW[(x0 + GRID_W - 1u - j) * D4 + d];
    let entry = at + GRID_H + j;
    sums += mat4x4f(table * dout[entry.x], ahead1 * dout[entry.y], ahead2 * dout[entry.z], ahead3 * dout[entry.w]);
    ahead3 = ahead2;
    ahead2 = ahead1;
    ahead1 = table;
  }
  for (var r = 0u; r < min(4u, GRID_W - x0); r++) {
    let to = ((m * tokens + y * GRID_W + x0 + r) * HEADS + head) * D4 + d;
    var sum = sums[r];
    if (HAS_MORE) { sum += more[to]; }
    dq[to] = sum;
  }
}
