// A workgroup of 8 × 8 × 4 threads computes 32 × 32 of out: for products with few tiles, in which a larger one would leave
// a GPU idle. Its four parts take the steps along K in turns and sum 4 × 4 a thread; then their sums are added, part by
// part, and every thread stores one vector. The including shader includes lib/matmul-blocks or lib/matmul-scalars, or has
// what they give to lib/matmul-shared, with HAS_SUMS, biasOf(n, s), store(m, n, s, values) and storeSums(m, n, s, sums).
const SIDE = 32u;
const STEP = 16u;
const PARTS = 4u;
const PAIRS = PARTS;
const PARTS_OF_ROW = 1u;
#include "lib/matmul-shared"

fn computeTile(m0: u32, n0: u32, local: vec3u, s: Sizes) {
  let thread = local.y * 8u + local.x;
  let part = local.z;
  let own = ownBlock(thread, m0, n0, s);
  var sum = mat4x4f();
  // Of the blocks that this thread loads: of op(a)'s rows, each k once among all threads.
  var sums = vec4f();
  var vectors = fetch(own, s.begin + part * STEP, s);
  for (var step = s.begin; step < s.end; step += PARTS * STEP) {
    let block = put(own, vectors, part, step + part * STEP, s);
    if (HAS_SUMS) { sums = (((sums + block[0]) + block[1]) + block[2]) + block[3]; }
    workgroupBarrier();
    vectors = fetch(own, step + (PARTS + part) * STEP, s);
    for (var four = 0u; four < FOURS; four++) {
      let a = &tiles[part][0][inRange(four)];
      let b = &tiles[part][1][inRange(four)];
      let y = place(local.y, four);
      let x = place(local.x, four);
      sum = added(added(sum, (*a)[0][0][y], (*b)[0][0][x]), (*a)[1][0][y], (*b)[1][0][x]);
      sum = added(added(sum, (*a)[2][0][y], (*b)[2][0][x]), (*a)[3][0][y], (*b)[3][0][x]);
    }
    workgroupBarrier();
  }
  // A part's tiles have room for a vector by i and thread.
  let half = local.y / 4u;
  let k = local.y % 4u;
  for (var i = 0u; i < 4u; i++) { tiles[part][half][i][k][0][local.x] = column(sum, i); }
  workgroupBarrier();
  var all = vec4f();
  for (var p = 0u; p < PARTS; p++) { all += tiles[p][half][part][k][0][local.x]; }
  let n = n0 + 4u * local.x;
  store(m0 + 4u * local.y + part, n, s, all + biasOf(n, s));
  if (HAS_SUMS) {
    workgroupBarrier();
    if (!own.isB) { tiles[part][0][own.k / 4u][0][0][own.v] = sums; }
    workgroupBarrier();
    if (local.x == 0u && part == 0u) {
      var allSums = vec4f();
      for (var p = 0u; p < PARTS; p++) {
        for (var four = 0u; four < FOURS; four++) { allSums += tiles[p][0][four][0][0][local.y]; }
      }
      storeSums(m0 + 4u * local.y, n0, s, allSums);
    }
  }
}
