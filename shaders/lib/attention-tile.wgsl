// Shared by attention's kernels for real GPUs. A workgroup of 64 threads owns 32 rows of one head of one window
// (queries, or in dkv keys) and meets the rows of the other kind 32 at a time. Thread t has the own rows
// 4·(t/8) … 4·(t/8) + 3 and the met rows t mod 8 + 8·j: 4 × 4 scores, a matrix whose column j is a vector over the own
// rows. Features come through workgroup memory 32 at a time (13 KiB for any D), so D is a multiple of 4 and at most 96.
struct Params {
  // Head of the dispatch's first workgroup along y: large attention goes in several dispatches, some heads each.
  firstHead: u32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HEADS: u32;
override D: u32;
override PREFIX: u32;
override GRID_W: u32;
override SCALE: f32;
override HAS_REL: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
// Or, with HAS_BIAS, the bias [HEADS, Nq, Nk − PREFIX] of every window.
@group(0) @binding(3) var<storage, read> relPos: array<f32>;

// 32 rows of 8 vectors: by eights of rows, row in them, and the vector turned by the row, so that eight threads that read one
// vector of eight rows, or eight vectors of one row, never meet in a bank. Few of these indices change in a loop: they are
// tested once for many vectors, and the others are offsets in the instructions that load.
alias Rows = array<array<array<vec4f, 8>, 8>, 4>;
// The same with a row's number in its eight, and the vector's, by fours: own row 4·o + r has vector 4·a + b at
// [o / 2][o mod 2][r][a xor o mod 2][b xor r], where r and b are constants.
alias RowsByFours = array<array<array<array<array<vec4f, 4>, 2>, 4>, 2>, 4>;
// Own and met rows, and for every met row the numbers of the own rows by fours.
var<workgroup> own: RowsByFours;
var<workgroup> met: Rows;
var<workgroup> weights: Rows;
// One vector a thread, for maxima and sums over the threads that share own rows.
var<workgroup> exchange: array<vec4f, 64>;

// The rows of which a thread loads vector t mod 8, in own and in met rows; `values` below is a matrix of them.
fn loadedRows(thread: u32) -> vec4u { return thread / 8u + vec4u(0u, 8u, 16u, 24u); }

fn putOwn(values: mat4x4f, thread: u32) {
  let row = (thread / 8u) & 7u;
  let at = (thread & 7u) ^ row;
  own[0][row / 4u][row % 4u][at / 4u][at % 4u] = values[0];
  own[1][row / 4u][row % 4u][at / 4u][at % 4u] = values[1];
  own[2][row / 4u][row % 4u][at / 4u][at % 4u] = values[2];
  own[3][row / 4u][row % 4u][at / 4u][at % 4u] = values[3];
}

fn putMet(values: mat4x4f, thread: u32) {
  let row = (thread / 8u) & 7u;
  let at = (thread & 7u) ^ row;
  met[0][row][at] = values[0];
  met[1][row][at] = values[1];
  met[2][row][at] = values[2];
  met[3][row][at] = values[3];
}

// The numbers that met row `row` has for own rows 4·o … 4·o + 3.
fn weightsOf(row: u32, o: u32) -> vec4f { return weights[row / 8u][row % 8u][o ^ (row & 7u)]; }

// Chunks of 32 features, and the vectors of one of them.
fn chunks() -> u32 { return (D + 31u) / 32u; }
fn vectorsOf(chunk: u32) -> u32 { return min(8u, D / 4u - 8u * chunk); }

// Whether a thread has a vector to load of the chunk.
fn isLoaded(chunk: u32, thread: u32) -> bool { return thread % 8u < vectorsOf(chunk); }

// Where the head's features of a row of q, k or v start, counted in vectors.
fn featuresOf(row: u32, head: u32) -> u32 {
  return (row * HEADS + head) * (D / 4u);
}

// Where the vectors that a thread loads of four rows are in the first chunk.
fn placesOf(rows: vec4u, head: u32, thread: u32) -> vec4u {
  return (rows * HEADS + head) * (D / 4u) + thread % 8u;
}

// The vectors at those places of a chunk, zeros after its last.
fn queriesAt(places: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  if (!isLoaded(chunk, thread)) { return mat4x4f(); }
  let at = places + 8u * chunk;
  return mat4x4f(q[at.x], q[at.y], q[at.z], q[at.w]);
}
fn keysAt(places: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  if (!isLoaded(chunk, thread)) { return mat4x4f(); }
  let at = places + 8u * chunk;
  return mat4x4f(k[at.x], k[at.y], k[at.z], k[at.w]);
}
fn valuesAt(places: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  if (!isLoaded(chunk, thread)) { return mat4x4f(); }
  let at = places + 8u * chunk;
  return mat4x4f(v[at.x], v[at.y], v[at.z], v[at.w]);
}

// Four own rows · a met row at one vector of their features.
fn dots(a: vec4f, b: vec4f, c: vec4f, d: vec4f, met: vec4f) -> vec4f {
  return vec4f(dot(a, met), dot(b, met), dot(c, met), dot(d, met));
}

// scores with one vector of the features more, of own rows a to d and the met rows j + 8 · i; these are read one after the other,
// so that few registers hold them.
fn addedVector(scores: mat4x4f, a: vec4f, b: vec4f, c: vec4f, d: vec4f, j: u32, p: u32) -> mat4x4f {
  return mat4x4f(
    scores[0] + dots(a, b, c, d, met[0][j][p]),
    scores[1] + dots(a, b, c, d, met[1][j][p]),
    scores[2] + dots(a, b, c, d, met[2][j][p]),
    scores[3] + dots(a, b, c, d, met[3][j][p]),
  );
}

// scores + own · met over the chunk that is in workgroup memory, which has zeros after its vectors.
fn addScores(scores: mat4x4f, vectors: u32, thread: u32) -> mat4x4f {
  var sum = scores;
  let o = thread / 8u;
  let j = thread & 7u;
  let rows = &own[(o / 2u) & 3u][o & 1u];
  for (var i = 0u; i < vectors; i += 4u) {
    let h = (i / 4u) ^ (o & 1u);
    let p = i ^ j;
    let p1 = (i + 1u) ^ j;
    let p2 = (i + 2u) ^ j;
    let p3 = (i + 3u) ^ j;
    sum = addedVector(sum, (*rows)[0][h][0], (*rows)[1][h][1], (*rows)[2][h][2], (*rows)[3][h][3], j, p);
    sum = addedVector(sum, (*rows)[0][h][1], (*rows)[1][h][0], (*rows)[2][h][3], (*rows)[3][h][2], j, p1);
    sum = addedVector(sum, (*rows)[0][h][2], (*rows)[1][h][3], (*rows)[2][h][0], (*rows)[3][h][1], j, p2);
    sum = addedVector(sum, (*rows)[0][h][3], (*rows)[1][h][2], (*rows)[2][h][1], (*rows)[3][h][0], j, p3);
  }
  return sum;
}

// Puts the thread's numbers for its 4 × 4 pairs into `weights`; a barrier must follow.
fn putWeights(numbers: mat4x4f, thread: u32) {
  let j = thread % 8u;
  let at = (thread / 8u) ^ j;
  weights[0][j][at] = numbers[0];
  weights[1][j][at] = numbers[1];
  weights[2][j][at] = numbers[2];
  weights[3][j][at] = numbers[3];
}

// sums + weightsᵀ · met: column i is own row 4·(t/8) + i, at the four features of the chunk that start at 4·(t mod 8).
fn addProducts(sums: mat4x4f, thread: u32) -> mat4x4f {
  var sum = sums;
  for (var j = 0u; j < 8u; j++) {
    // Compilers that see how large it can be add the constant part of an index in the load itself.
    let row = j & 7u;
    let o = (thread / 8u) ^ j;
    let feature = (thread % 8u) ^ j;
    sum = addedRow(sum, weights[0][row][o], met[0][row][feature]);
    sum = addedRow(sum, weights[1][row][o], met[1][row][feature]);
    sum = addedRow(sum, weights[2][row][o], met[2][row][feature]);
    sum = addedRow(sum, weights[3][row][o], met[3][row][feature]);
  }
  return sum;
}

fn addedRow(sum: mat4x4f, weight: vec4f, row: vec4f) -> mat4x4f {
  return mat4x4f(
    sum[0] + weight.x * row,
    sum[1] + weight.y * row,
    sum[2] + weight.z * row,
    sum[3] + weight.w * row,
  );
}

// Every thread's value summed over the eight threads that share its own rows; all must call it.
fn sumOfRows(value: vec4f, thread: u32) -> vec4f {
  workgroupBarrier();
  exchange[thread] = value;
  workgroupBarrier();
  var sum = vec4f();
  for (var i = 0u; i < 8u; i++) { sum += exchange[thread / 8u * 8u + i]; }
  return sum;
}
