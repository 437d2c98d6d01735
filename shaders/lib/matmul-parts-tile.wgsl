// A workgroup of 8 × 8 × 4 threads computes 32 × 32 of out: for products with few tiles, in which a larger one would leave
// a GPU idle. Its four parts take the steps along K in turns and sum 4 × 4 a thread; then their sums are added, part by
// part, and every thread stores one vector. The including shader includes lib/matmul-blocks or lib/matmul-scalars, or has
// what they give to lib/matmul-shared, with HAS_SUMS, store(m, n, s, values) and storeSums(m, n, s, sums).
const SIDE = 32u;
const STEP = 16u;
const PARTS = 4u;
const THREADS = 64u;
// Of a step, and as much for the sums.
const MEMORY = PARTS * SIDE * STEP / 2u;
#include "lib/matmul-shared"

fn computeTile(m0: u32, n0: u32, local: vec3u, s: Sizes) {
  let thread = local.y * 8u + local.x;
  let part = local.z;
  let tile = part * SIDE * STEP / 2u;
  let own = ownBlock(thread, m0, n0, s);
  var sum = mat4x4f();
  var sums = vec4f();
  var block = fetch(own, s.begin + part * STEP, s);
  for (var step = s.begin; step < s.end; step += PARTS * STEP) {
    put(own, block, tile);
    workgroupBarrier();
    block = fetch(own, step + (PARTS + part) * STEP, s);
    for (var k = 0u; k < STEP; k++) {
      let row = tiles[tile + place(k, local.y)];
      sum = added(sum, row, tiles[tile + STEP * WIDTH + place(k, local.x)]);
      if (HAS_SUMS) { sums += row; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) { tiles[(4u * part + i) * THREADS + thread] = column(sum, i); }
  workgroupBarrier();
  var all = vec4f();
  for (var p = 0u; p < PARTS; p++) { all += tiles[(4u * p + part) * THREADS + thread]; }
  store(m0 + 4u * local.y + part, n0 + 4u * local.x, s, all);
  if (HAS_SUMS) {
    workgroupBarrier();
    if (local.x == 0u) { tiles[8u * part + local.y] = sums; }
    workgroupBarrier();
    if (local.x == 0u && part == 0u) {
      var allSums = vec4f();
      for (var p = 0u; p < PARTS; p++) { allSums += tiles[8u * p + local.y]; }
      storeSums(m0 + 4u * local.y, n0, s, allSums);
    }
  }
}
