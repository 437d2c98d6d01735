// A workgroup of THREADS_X × THREADS_Y threads computes SIDE × SIDE of out. While a step is summed, the next is on its way to
// registers. The including shader declares const SIDE and ACROSS, and includes lib/matmul-blocks or has what it gives to
// lib/matmul-shared, with HAS_SUMS, biasOf(n, s), store(m, n, s, values) and storeSums(m, n, s, sums).
#include "lib/matmul-square-sums"

fn computeTile(m0: u32, n0: u32, local: vec3u, thread: u32, s: Sizes) {
  let own = ownBlock(thread, m0, n0, s);
  var sums = Sums();
  var vectors = fetch(own, s.begin, s);
  for (var step = s.begin; step < s.end; step += STEP) {
    put(own, vectors, 0u, step, s);
    workgroupBarrier();
    vectors = fetch(own, step + STEP, s);
    sums = addedStep(sums, local);
    workgroupBarrier();
  }
  storeSquares(m0, n0, local, s, sums);
  if (HAS_SUMS) {
    storeSums(m0 + 4u * local.y, n0 + 4u * local.x, s, sums.above);
    storeSums(m0 + 4u * local.y + SIDE / 2u, n0 + 4u * local.x, s, sums.below);
  }
}
