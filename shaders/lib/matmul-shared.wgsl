// Tiles of op(a) and op(b) in workgroup memory, which matmul's kernels for real GPUs step through K with.
// The including shader declares const SIDE (rows of op(a), columns of op(b)), STEP (along K) and MEMORY (vectors of all
// tiles), and includes lib/matmul-blocks or lib/matmul-scalars. A tile has STEP rows of SIDE / 4 vectors, k by k, so a
// thread reads four rows of out, or four columns, as one vector. SIDE · STEP / 8 threads fill the two tiles of a step, a
// 4 × 4 block each, half of them from op(a). A block is loaded as four vectors in every layout and turned in registers.
#include "lib/matmul-sizes"
const WIDTH = SIDE / 4u;
const BLOCKS = SIDE * STEP / 16u;
var<workgroup> tiles: array<vec4f, MEMORY>;

// Place of vector v of row k in a tile. It changes by fours of rows, so that eight threads that store blocks which lie
// side by side along K in the buffer meet in no bank of memory; nor do eight that read one row.
fn place(k: u32, v: u32) -> u32 {
  return k * WIDTH + (v ^ (k / 4u * (32u / STEP)));
}

// The block that one thread loads in every step.
struct Own {
  isB: bool,
  // Places in the buffer at k = 0.
  start: vec4u,
  // Its row and vector in the tile.
  k: u32,
  v: u32,
}

fn ownBlock(thread: u32, m0: u32, n0: u32, s: Sizes) -> Own {
  let isB = thread >= BLOCKS;
  // Neighbours lie along K: what a step needs of a row is read together.
  let k = thread % (STEP / 4u) * 4u;
  let v = thread % BLOCKS / (STEP / 4u);
  var start: vec4u;
  if (isB) { start = bStart(n0 + 4u * v, s); } else { start = aStart(m0 + 4u * v, s); }
  return Own(isB, start, k, v);
}

// Columns are rows k … k + 3 of op(b), or of op(a) transposed; zero from the end of this part of K on.
fn fetch(own: Own, step: u32, s: Sizes) -> mat4x4f {
  let k = step + own.k;
  if (k >= s.end) { return mat4x4f(); }
  if (own.isB) { return bBlock(own.start, k, s); }
  return transpose(aBlock(own.start, k, s));
}

// Stores a block to its tile; that of op(b) follows that of op(a), which begins at `tile`.
fn put(own: Own, block: mat4x4f, tile: u32) {
  let first = tile + select(0u, STEP * WIDTH, own.isB);
  tiles[first + place(own.k, own.v)] = block[0];
  tiles[first + place(own.k + 1u, own.v)] = block[1];
  tiles[first + place(own.k + 2u, own.v)] = block[2];
  tiles[first + place(own.k + 3u, own.v)] = block[3];
}

// sum + a · b for four rows of out, its columns, and four columns.
fn added(sum: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] + a.x * b, sum[1] + a.y * b, sum[2] + a.z * b, sum[3] + a.w * b);
}
