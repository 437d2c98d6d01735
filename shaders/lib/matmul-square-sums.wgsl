// 8 × 8 sums of a thread, in registers: four rows and four more half a tile below, four columns and with ACROSS 2 four more half
// a tile to the right, so that neighbours read neighbouring vectors; with ACROSS 1 8 × 4, for GPUs with few registers. k in
// order: the sums depend neither on SIDE nor on ACROSS. The including shader declares const SIDE, ACROSS and HAS_SUMS, and
// includes lib/matmul-blocks or has what it gives to lib/matmul-shared, with biasOf(n, s) and store(m, n, s, values).
const THREADS_X = SIDE / (4u * ACROSS);
const THREADS_Y = SIDE / 8u;
const STEP = THREADS_X;
const PAIRS = 1u;
const PARTS_OF_ROW = 2u;
#include "lib/matmul-shared"

// Columns are rows of out; s01 and s11 are those to the right. `above` and `below` are sums of op(a)'s rows.
struct Sums {
  s00: mat4x4f,
  s01: mat4x4f,
  s10: mat4x4f,
  s11: mat4x4f,
  above: vec4f,
  below: vec4f,
}

fn addedRight(sum: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  if (ACROSS == 1u) { return sum; }
  return added(sum, a, b);
}

// The sums with one k more.
fn addedK(sums: Sums, a0: vec4f, a1: vec4f, b0: vec4f, b1: vec4f) -> Sums {
  var above = sums.above;
  var below = sums.below;
  if (HAS_SUMS) {
    above += a0;
    below += a1;
  }
  return Sums(
    added(sums.s00, a0, b0),
    addedRight(sums.s01, a0, b1),
    added(sums.s10, a1, b0),
    addedRight(sums.s11, a1, b1),
    above,
    below,
  );
}

// The sums with all of a step.
fn addedStep(before: Sums, local: vec3u) -> Sums {
  var sums = before;
  // With ACROSS 1 a row's threads have both parts of it, with 2 the first alone.
  let left = select(0u, local.x / PART, ACROSS == 1u);
  for (var four = 0u; four < FOURS; four++) {
    let a = &tiles[0][0][inRange(four)];
    let b = &tiles[0][1][inRange(four)];
    let y = place(local.y, four);
    let x = place(local.x - left * PART, four);
    sums = addedK(sums, (*a)[0][0][y], (*a)[0][1][y], (*b)[0][left][x], (*b)[0][1][x]);
    sums = addedK(sums, (*a)[1][0][y], (*a)[1][1][y], (*b)[1][left][x], (*b)[1][1][x]);
    sums = addedK(sums, (*a)[2][0][y], (*a)[2][1][y], (*b)[2][left][x], (*b)[2][1][x]);
    sums = addedK(sums, (*a)[3][0][y], (*a)[3][1][y], (*b)[3][left][x], (*b)[3][1][x]);
  }
  return sums;
}

// Stores what a thread summed of the tile at (m0, n0).
fn storeSquares(m0: u32, n0: u32, local: vec3u, s: Sizes, sums: Sums) {
  let m = m0 + 4u * local.y;
  let n = n0 + 4u * local.x;
  // Looked up once for all rows.
  let left = biasOf(n, s);
  let right = biasOf(n + SIDE / 2u, s);
  for (var i = 0u; i < 4u; i++) {
    store(m + i, n, s, column(sums.s00, i) + left);
    store(m + SIDE / 2u + i, n, s, column(sums.s10, i) + left);
    if (ACROSS == 2u) {
      store(m + i, n + SIDE / 2u, s, column(sums.s01, i) + right);
      store(m + SIDE / 2u + i, n + SIDE / 2u, s, column(sums.s11, i) + right);
    }
  }
}
