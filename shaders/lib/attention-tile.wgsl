// Shared by attention's kernels for real GPUs. A workgroup of 64 threads owns 32 rows of one head of one window
// (queries, or in dkv keys) and meets the rows of the other kind 32 at a time. Thread t has the own rows
// 4·(t/8) … 4·(t/8) + 3 and the met rows t mod 8 + 8·j: 4 × 4 scores, a matrix whose column j is a vector over the own
// rows. Features come through workgroup memory 32 at a time (13 KiB for any D), so D is a multiple of 4 and at most 96.
override HEADS: u32;
// Head of the dispatch's first workgroup along y: large attention goes in several dispatches, some heads each.
override FIRST_HEAD: u32;
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

// 32 rows of 8 vectors, see `place`: own and met rows, and for every met row the numbers of the own rows by fours.
var<workgroup> own: array<vec4f, 256>;
var<workgroup> met: array<vec4f, 256>;
var<workgroup> weights: array<vec4f, 256>;
// One vector a thread, for maxima and sums over the threads that share own rows.
var<workgroup> exchange: array<vec4f, 64>;

// Where vector i of a row stands in workgroup memory. Turned by the row, so that eight threads that read one vector of
// eight rows, or eight vectors of one row, never meet in a bank.
fn place(row: u32, i: u32) -> u32 {
  return row * 8u + (i ^ (row & 7u));
}

// Chunks of 32 features, and the vectors of one of them.
fn chunks() -> u32 { return (D + 31u) / 32u; }
fn vectorsOf(chunk: u32) -> u32 { return min(8u, D / 4u - 8u * chunk); }

// Where the head's features of a row of q, k or v start, counted in vectors.
fn featuresOf(row: u32, head: u32) -> u32 {
  return (row * HEADS + head) * (D / 4u);
}

// scores + own · met over the chunk that is in workgroup memory.
fn addScores(scores: mat4x4f, vectors: u32, thread: u32) -> mat4x4f {
  var sum = scores;
  let o = thread / 8u * 4u;
  let j = thread % 8u;
  for (var i = 0u; i < vectors; i++) {
    let a = own[place(o, i)];
    let b = own[place(o + 1u, i)];
    let c = own[place(o + 2u, i)];
    let d = own[place(o + 3u, i)];
    let r = met[place(j, i)];
    sum[0] += vec4f(dot(a, r), dot(b, r), dot(c, r), dot(d, r));
    let s = met[place(j + 8u, i)];
    sum[1] += vec4f(dot(a, s), dot(b, s), dot(c, s), dot(d, s));
    let t = met[place(j + 16u, i)];
    sum[2] += vec4f(dot(a, t), dot(b, t), dot(c, t), dot(d, t));
    let u = met[place(j + 24u, i)];
    sum[3] += vec4f(dot(a, u), dot(b, u), dot(c, u), dot(d, u));
  }
  return sum;
}

// Puts the thread's numbers for its 4 × 4 pairs into `weights`; a barrier must follow.
fn putWeights(numbers: mat4x4f, thread: u32) {
  let o = thread / 8u;
  let j = thread % 8u;
  weights[place(j, o)] = numbers[0];
  weights[place(j + 8u, o)] = numbers[1];
  weights[place(j + 16u, o)] = numbers[2];
  weights[place(j + 24u, o)] = numbers[3];
}

// sums + weightsᵀ · met: column i is own row 4·(t/8) + i, at the four features of the chunk that start at 4·(t mod 8).
fn addProducts(sums: mat4x4f, thread: u32) -> mat4x4f {
  var sum = sums;
  let o = thread / 8u;
  let feature = thread % 8u;
  for (var j = 0u; j < 32u; j++) {
    let weight = weights[place(j, o)];
    let row = met[place(j, feature)];
    sum[0] += weight.x * row;
    sum[1] += weight.y * row;
    sum[2] += weight.z * row;
    sum[3] += weight.w * row;
  }
  return sum;
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
