// Up to four products aᵀ · b over each range of a split K, side by side:
// out: [splits, WIDTH]; a row has, term after term, the product of the range, [M, N], and where SUMS is set the sums of op(a)
// over it, [M].   a: [K, M], b: [K, N], each one of in0 … in6, A and B their numbers; every M and N is a multiple of 4.
// z counts the ranges of all terms, x the tiles of a term. HAS_SUMS: any term has sums. Tiles and the order of sums as in
// matmul/tile-32.
// Family of real GPUs, 256 threads, 16 KiB.
override HAS_SUMS: bool;
override A_0: u32; override B_0: u32; override M_0: u32; override N_0: u32; override SUMS_0: bool;
override A_1: u32; override B_1: u32; override M_1: u32; override N_1: u32; override SUMS_1: bool;
override A_2: u32; override B_2: u32; override M_2: u32; override N_2: u32; override SUMS_2: bool;
override A_3: u32; override B_3: u32; override M_3: u32; override N_3: u32; override SUMS_3: bool;
@group(0) @binding(0) var<storage, read> in0: array<vec4f>;
@group(0) @binding(1) var<storage, read> in1: array<vec4f>;
@group(0) @binding(2) var<storage, read> in2: array<vec4f>;
@group(0) @binding(3) var<storage, read> in3: array<vec4f>;
@group(0) @binding(4) var<storage, read> in4: array<vec4f>;
@group(0) @binding(5) var<storage, read> in5: array<vec4f>;
@group(0) @binding(6) var<storage, read> in6: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4f>;
#include "lib/matmul-column"
#include "lib/matmul-parts-tile"

struct Term {
  a: u32,
  b: u32,
  M: u32,
  N: u32,
  hasSums: bool,
}

fn termOf(i: u32) -> Term {
  switch i {
    case 0u: { return Term(A_0, B_0, M_0, N_0, SUMS_0); }
    case 1u: { return Term(A_1, B_1, M_1, N_1, SUMS_1); }
    case 2u: { return Term(A_2, B_2, M_2, N_2, SUMS_2); }
    default: { return Term(A_3, B_3, M_3, N_3, SUMS_3); }
  }
}

// Values of a term in a row of out.
fn widthOf(term: Term) -> u32 {
  return term.M * term.N + select(0u, term.M, term.hasSums);
}

fn vectorsOf(i: u32) -> u32 {
  switch i {
    case 0u: { return arrayLength(&in0); }
    case 1u: { return arrayLength(&in1); }
    case 2u: { return arrayLength(&in2); }
    case 3u: { return arrayLength(&in3); }
    case 4u: { return arrayLength(&in4); }
    case 5u: { return arrayLength(&in5); }
    default: { return arrayLength(&in6); }
  }
}

// Four vectors of an input.
fn load(i: u32, at: vec4u) -> mat4x4f {
  switch i {
    case 0u: { return mat4x4f(in0[at.x], in0[at.y], in0[at.z], in0[at.w]); }
    case 1u: { return mat4x4f(in1[at.x], in1[at.y], in1[at.z], in1[at.w]); }
    case 2u: { return mat4x4f(in2[at.x], in2[at.y], in2[at.z], in2[at.w]); }
    case 3u: { return mat4x4f(in3[at.x], in3[at.y], in3[at.z], in3[at.w]); }
    case 4u: { return mat4x4f(in4[at.x], in4[at.y], in4[at.z], in4[at.w]); }
    case 5u: { return mat4x4f(in5[at.x], in5[at.y], in5[at.z], in5[at.w]); }
    default: { return mat4x4f(in6[at.x], in6[at.y], in6[at.z], in6[at.w]); }
  }
}

// In Sizes a and b are the numbers of the inputs, and out is where the range begins in out.
fn aStart(m: u32, s: Sizes) -> vec4u {
  return vec4u(0u, 1u, 2u, 3u) * (s.M / 4u) + min(m, s.M - 4u) / 4u;
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  return vec4u(0u, 1u, 2u, 3u) * (s.N / 4u) + min(n, s.N - 4u) / 4u;
}

fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return load(s.a, start + k * (s.M / 4u)); }
fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return load(s.b, start + k * (s.N / 4u)); }
// Zero past this part of K.
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  return transpose(withinPart(vectors, k, s));
}
// Rows past K meet zeros of a.
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return vectors; }

fn biasOf(n: u32, s: Sizes) -> vec4f { return vec4f(); }

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m < s.M && n < s.N) { out[(s.out + m * s.N + n) / 4u] = values; }
}

// Whether the term of this workgroup has sums.
var<private> hasSums: bool;

fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {
  if (hasSums && n == 0u && m < s.M) { out[(s.out + s.M * s.N + m) / 4u] = sums; }
}

#narrow-subgroups
@compute @workgroup_size(8, 8, PARTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let splits = params.splits;
  let number = group.z / splits;
  let part = group.z % splits;
  let term = termOf(number);
  let across = (term.N + SIDE - 1u) / SIDE;
  let m0 = group.x / across * SIDE;
  if (m0 >= term.M) { return; }
  hasSums = term.hasSums;
  var before = 0u;
  for (var i = 0u; i < number; i++) { before += widthOf(termOf(i)); }
  let K = 4u * vectorsOf(term.a) / term.M;
  let range = rangeOf(part, K);
  let first = part * (4u * arrayLength(&out) / splits) + before;
  let s = Sizes(term.M, term.N, K, term.a, term.b, first, part, range.x, range.y);
  computeTile(m0, group.x % across * SIDE, local, s);
}
