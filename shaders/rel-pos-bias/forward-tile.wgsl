// rel-pos-bias/forward for heads whose D is a multiple of 4; formula and shapes as there. One thread per 4 queries × 4
// entries of one half. For the rows' half the queries are neighbours in a grid row, for the columns' half in a grid
// column, so that they read the same rows of the table. The dispatch's z is m · HEADS + head.
#include "lib/index"
override HEADS: u32;
override D: u32;
override GRID_H: u32;
override GRID_W: u32;
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> relPosH: array<vec4f>;
@group(0) @binding(2) var<storage, read> relPosW: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
const FOUR = vec4u(0u, 1u, 2u, 3u);

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  let acrossH = (GRID_H + 3u) / 4u;
  let acrossW = (GRID_W + 3u) / 4u;
  let tilesH = GRID_H * acrossW * acrossH;
  let isH = i < tilesH;
  if (i >= tilesH + GRID_W * acrossH * acrossW) { return; }
  // A line is a row of the grid and its queries lie along x, or a column and they lie along y; j counts the lines met.
  let tile = select(i - tilesH, i, isH);
  let lines = select(GRID_W, GRID_H, isH);
  let along = select(GRID_H, GRID_W, isH);
  let acrossJ = select(acrossW, acrossH, isH);
  let acrossAlong = select(acrossH, acrossW, isH);
  let j0 = tile % acrossJ * 4u;
  let a0 = tile / acrossJ % acrossAlong * 4u;
  let line = tile / (acrossJ * acrossAlong);
  let a = min(a0 + FOUR, vec4u(along - 1u));
  let n = select(a * GRID_W + line, line * GRID_W + a, isH);
  let tokens = GRID_H * GRID_W;
  let m = id.z / HEADS;
  let head = id.z % HEADS;
  let at = ((m * tokens + n) * HEADS + head) * (D / 4u);
  let tableAt = (line + lines - 1u - min(j0 + FOUR, vec4u(lines - 1u))) * (D / 4u);
  var sums = mat4x4f();
  for (var d = 0u; d < D / 4u; d++) {
    var table: mat4x4f;
    if (isH) {
      table = mat4x4f(relPosH[tableAt.x + d], relPosH[tableAt.y + d], relPosH[tableAt.z + d], relPosH[tableAt.w + d]);
    } else {
      table = mat4x4f(relPosW[tableAt.x + d], relPosW[tableAt.y + d], relPosW[tableAt.z + d], relPosW[tableAt.w + d]);
    }
    sums += transpose(table) * mat4x4f(q[at.x + d], q[at.y + d], q[at.z + d], q[at.w + d]);
  }
  let first = select(GRID_H, 0u, isH) + j0;
  for (var r = 0u; r < min(4u, along - a0); r++) {
    let to = ((m * HEADS + head) * tokens + n[r]) * (GRID_H + GRID_W) + first;
    for (var c = 0u; c < min(4u, lines - j0); c++) { out[to + c] = sums[r][c]; }
  }
}
