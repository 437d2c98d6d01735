// Tiles of op(a) and op(b) in workgroup memory, which matmul's kernels for real GPUs step through K with.
// The including shader declares const SIDE (rows of op(a), columns of op(b)), STEP (along K), PAIRS (tiles of op(a) and of
// op(b)) and PARTS_OF_ROW, and includes lib/matmul-blocks or lib/matmul-scalars. SIDE · STEP / 8 threads fill a pair of
// tiles in a step, a 4 × 4 block each, half of them from op(a). A block is loaded as four vectors in every layout and turned
// in registers.
#include "lib/matmul-sizes"
// Fours of k in a tile, a power of two; vectors of a row, and of a part of it.
const FOURS = STEP / 4u;
const WIDTH = SIDE / 4u;
const PART = WIDTH / PARTS_OF_ROW;
const BLOCKS = SIDE * STEP / 16u;
// A tile's rows, by fours of k, k in them, part of the row and vector: a thread reads four rows of out, or four columns, as one
// vector. Few of these indices change in a loop: they are tested once for many vectors, and the others are offsets in the
// instructions that load.
alias Four = array<array<array<vec4f, PART>, PARTS_OF_ROW>, 4>;
// Of each pair the tile of op(a) and that of op(b).
var<workgroup> tiles: array<array<array<Four, FOURS>, 2>, PAIRS>;

// The same number. Compilers that see how large it can be add the constant part of an index in the load itself.
fn inRange(four: u32) -> u32 { return four & (FOURS - 1u); }

// Place of a vector in its part of a row. It changes by fours of k, so that eight threads that store blocks which lie side by
// side along K in the buffer meet in no bank of memory; nor do eight that read one row.
fn place(v: u32, four: u32) -> u32 {
  return v ^ (four * (32u / STEP));
}

// The block that one thread loads in every step.
struct Own {
  isB: bool,
  // Places in the buffer at k = 0.
  start: vec4u,
  // Its first row and its vector in the tile.
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

// The block of a step as it lies in its buffer, the last one again past this part of K. Nothing is done with the values here, so
// that they may be on their way while other tiles are summed; a branch around the loads, or a number in a register that
// they fill, would have a GPU wait for them.
fn fetch(own: Own, step: u32, s: Sizes) -> mat4x4f {
  let k = min(step + own.k, (s.end - 1u) / 4u * 4u);
  if (own.isB) { return bVectors(own.start, k, s); }
  return aVectors(own.start, k, s);
}

// Stores what was fetched for a step to its tile of a pair; zeros past this part of K. Returns the block, a k in each column.
fn put(own: Own, vectors: mat4x4f, pair: u32, step: u32, s: Sizes) -> mat4x4f {
  let k = step + own.k;
  // Columns are rows k … k + 3 of op(b), or of op(a) transposed.
  var block: mat4x4f;
  if (own.isB) { block = bTurned(vectors, k, s); } else { block = transpose(aTurned(vectors, k, s)); }
  if (step + STEP > s.end && k >= s.end) { block = mat4x4f(); }
  let four = own.k / 4u;
  let rows = &tiles[pair][u32(own.isB)][four];
  let part = own.v / PART;
  let at = place(own.v % PART, four);
  (*rows)[0][part][at] = block[0];
  (*rows)[1][part][at] = block[1];
  (*rows)[2][part][at] = block[2];
  (*rows)[3][part][at] = block[3];
  return block;
}

// sum + a · b for four rows of out, its columns, and four columns.
fn added(sum: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] + a.x * b, sum[1] + a.y * b, sum[2] + a.z * b, sum[3] + a.w * b);
}
