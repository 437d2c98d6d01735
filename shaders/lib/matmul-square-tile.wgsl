// A workgroup of SIDE / 8 × SIDE / 8 threads computes SIDE × SIDE of out. A thread sums 8 × 8 in registers: four rows and
// four more half a tile below, four columns and four more half a tile to the right, so that neighbours read neighbouring
// vectors. While a step is summed, the next is on its way to registers. k in order: the sums do not depend on SIDE.
// The including shader declares const SIDE, and includes lib/matmul-blocks or has what it gives to lib/matmul-shared, with
// HAS_SUMS, store(m, n, s, values) and storeSums(m, n, s, sums).
const STEP = SIDE / 8u;
const MEMORY = SIDE * STEP / 2u;
#include "lib/matmul-shared"

fn computeTile(m0: u32, n0: u32, local: vec3u, thread: u32, s: Sizes) {
  let own = ownBlock(thread, m0, n0, s);
  let half = WIDTH / 2u;
  // Columns are rows of out.
  var s00 = mat4x4f();
  var s01 = mat4x4f();
  var s10 = mat4x4f();
  var s11 = mat4x4f();
  var sums0 = vec4f();
  var sums1 = vec4f();
  var block = fetch(own, s.begin, s);
  for (var step = s.begin; step < s.end; step += STEP) {
    put(own, block, 0u);
    workgroupBarrier();
    block = fetch(own, step + STEP, s);
    for (var k = 0u; k < STEP; k++) {
      let a0 = tiles[place(k, local.y)];
      let a1 = tiles[place(k, half + local.y)];
      let b0 = tiles[STEP * WIDTH + place(k, local.x)];
      let b1 = tiles[STEP * WIDTH + place(k, half + local.x)];
      s00 = added(s00, a0, b0);
      s01 = added(s01, a0, b1);
      s10 = added(s10, a1, b0);
      s11 = added(s11, a1, b1);
      if (HAS_SUMS) {
        sums0 += a0;
        sums1 += a1;
      }
    }
    workgroupBarrier();
  }
  let m = m0 + 4u * local.y;
  let n = n0 + 4u * local.x;
  for (var i = 0u; i < 4u; i++) {
    store(m + i, n, s, column(s00, i));
    store(m + i, n + SIDE / 2u, s, column(s01, i));
    store(m + SIDE / 2u + i, n, s, column(s10, i));
    store(m + SIDE / 2u + i, n + SIDE / 2u, s, column(s11, i));
  }
  if (HAS_SUMS) {
    storeSums(m, n, s, sums0);
    storeSums(m + SIDE / 2u, n, s, sums1);
  }
}
