// The tile that one thread of matmul's register families sums: 16 rows × 8 columns of out, in eight 4 × 4 blocks.
// A block's columns are rows of out, so block += bBlock · aBlock, where
//   aBlock: column i is row m + i of op(a), from k to k + 3, zero past K;
//   bBlock: column i is row k + i of op(b), from n to n + 3.
// The including shader declares aStart(m, s) and bStart(n, s), positions that do not depend on k; aVectors(start, k, s) and
// bVectors(start, k, s), a block as it lies there, and aTurned(vectors, k, s) and bTurned(vectors, k, s), which make those
// blocks of it; biasOf(n, s), and store(m, n, s, values) for out[m, n … n + 3]; and storeSums(m, n, s, sums) for the sums
// of rows m … m + 3 of op(a).
#include "lib/matmul-sizes"

fn aBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return aTurned(aVectors(start, k, s), k, s); }
fn bBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return bTurned(bVectors(start, k, s), k, s); }

fn tile(m: u32, n: u32, s: Sizes) {
  let a0 = aStart(m, s);
  let a1 = aStart(m + 4u, s);
  let a2 = aStart(m + 8u, s);
  let a3 = aStart(m + 12u, s);
  let b0 = bStart(n, s);
  let b1 = bStart(n + 4u, s);
  var c00 = mat4x4f(); var c01 = mat4x4f();
  var c10 = mat4x4f(); var c11 = mat4x4f();
  var c20 = mat4x4f(); var c21 = mat4x4f();
  var c30 = mat4x4f(); var c31 = mat4x4f();
  var sums = mat4x4f();
  let ones = vec4f(1.0);
  for (var k = s.begin; k < s.end; k += 4u) {
    let A0 = aBlock(a0, k, s);
    let A1 = aBlock(a1, k, s);
    let A2 = aBlock(a2, k, s);
    let A3 = aBlock(a3, k, s);
    if (HAS_SUMS) { sums += mat4x4f(ones * A0, ones * A1, ones * A2, ones * A3); }
    let B0 = bBlock(b0, k, s);
    c00 += B0 * A0;
    c10 += B0 * A1;
    c20 += B0 * A2;
    c30 += B0 * A3;
    let B1 = bBlock(b1, k, s);
    c01 += B1 * A0;
    c11 += B1 * A1;
    c21 += B1 * A2;
    c31 += B1 * A3;
  }
  // Looked up once for all rows.
  let left = biasOf(n, s);
  let right = biasOf(n + 4u, s);
  for (var i = 0u; i < 4u; i++) {
    store(m + i, n, s, column(c00, i) + left);
    store(m + i, n + 4u, s, column(c01, i) + right);
    store(m + i + 4u, n, s, column(c10, i) + left);
    store(m + i + 4u, n + 4u, s, column(c11, i) + right);
    store(m + i + 8u, n, s, column(c20, i) + left);
    store(m + i + 8u, n + 4u, s, column(c21, i) + right);
    store(m + i + 12u, n, s, column(c30, i) + left);
    store(m + i + 12u, n + 4u, s, column(c31, i) + right);
  }
  if (HAS_SUMS) {
    storeSums(m, n, s, sums[0]);
    storeSums(m + 4u, n, s, sums[1]);
    storeSums(m + 8u, n, s, sums[2]);
    storeSums(m + 12u, n, s, sums[3]);
  }
}
