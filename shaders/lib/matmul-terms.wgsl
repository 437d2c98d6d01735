// out = Σ over the terms of a_i · op(b_i), + other, which repeats over out, with HAS_OTHER
// a_i: [M, K_i], op(b_i): [K_i, N]. TERMS is 2 or 3; B_T: every b is stored [N, K]. N and every K are multiples of 4.
// With WINDOW above 0 the rows of a and other are windows, and out has the rows of the images.
// Tiles, threads and the order of sums as in lib/matmul-square-sums, term after term. The including shader declares const
// SIDE and ACROSS.
const HAS_SUMS = false;
override TERMS: u32;
override N: u32;
override B_T: bool;
override HAS_OTHER: bool;
@group(0) @binding(0) var<storage, read> a0: array<vec4f>;
@group(0) @binding(1) var<storage, read> b0: array<vec4f>;
@group(0) @binding(2) var<storage, read> a1: array<vec4f>;
@group(0) @binding(3) var<storage, read> b1: array<vec4f>;
@group(0) @binding(4) var<storage, read> a2: array<vec4f>;
@group(0) @binding(5) var<storage, read> b2: array<vec4f>;
@group(0) @binding(6) var<storage, read> other: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4f>;
#include "lib/matmul-square-sums"
#include "lib/matmul-column"
#include "lib/windows"

// Four vectors of a term.
fn ofA(term: u32, at: vec4u) -> mat4x4f {
  switch term {
    case 0u: { return mat4x4f(a0[at.x], a0[at.y], a0[at.z], a0[at.w]); }
    case 1u: { return mat4x4f(a1[at.x], a1[at.y], a1[at.z], a1[at.w]); }
    default: { return mat4x4f(a2[at.x], a2[at.y], a2[at.z], a2[at.w]); }
  }
}

fn ofB(term: u32, at: vec4u) -> mat4x4f {
  switch term {
    case 0u: { return mat4x4f(b0[at.x], b0[at.y], b0[at.z], b0[at.w]); }
    case 1u: { return mat4x4f(b1[at.x], b1[at.y], b1[at.z], b1[at.w]); }
    default: { return mat4x4f(b2[at.x], b2[at.y], b2[at.z], b2[at.w]); }
  }
}

// The sizes of a term, whose number is the part.
fn sizesOf(term: u32) -> Sizes {
  let M = arrayLength(&a0) / (arrayLength(&b0) / N);
  var vectors = arrayLength(&b0);
  if (term == 1u) { vectors = arrayLength(&b1); } else if (term == 2u) { vectors = arrayLength(&b2); }
  let K = vectors / (N / 4u);
  return Sizes(M, N, K, 0u, 0u, 0u, term, 0u, K);
}

fn aStart(m: u32, s: Sizes) -> vec4u {
  return min(m + vec4u(0u, 1u, 2u, 3u), vec4u(s.M - 1u)) * (s.K / 4u);
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  let i = vec4u(0u, 1u, 2u, 3u);
  if (B_T) { return min(n + i, vec4u(s.N - 1u)) * (s.K / 4u); }
  return i * (s.N / 4u) + min(n, s.N - 4u) / 4u;
}

fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return ofA(s.part, start + k / 4u); }
fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  return ofB(s.part, start + select(k * (s.N / 4u), k / 4u, B_T));
}
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return vectors; }
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  if (B_T) { return transpose(vectors); }
  return vectors;
}

fn biasOf(n: u32, s: Sizes) -> vec4f { return vec4f(); }

fn store(m: u32, n: u32, s: Sizes, sum: vec4f) {
  if (m >= s.M || n >= s.N) { return; }
  let at = m * (s.N / 4u) + n / 4u;
  var value = sum;
  if (HAS_OTHER) { value += other[at % arrayLength(&other)]; }
  if (WINDOW == 0u) {
    out[at] = value;
    return;
  }
  let row = rowOfImages(m);
  if (row != PADDING) { out[row * (s.N / 4u) + n / 4u] = value; }
}

#narrow-subgroups
@compute @workgroup_size(THREADS_X, THREADS_Y)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let m0 = group.y * SIDE;
  let n0 = group.x * SIDE;
  var sums = Sums();
  for (var term = 0u; term < TERMS; term++) {
    let s = sizesOf(term);
    let own = ownBlock(thread, m0, n0, s);
    var vectors = fetch(own, 0u, s);
    for (var step = 0u; step < s.end; step += STEP) {
      put(own, vectors, 0u, step, s);
      workgroupBarrier();
      vectors = fetch(own, step + STEP, s);
      sums = addedStep(sums, local);
      workgroupBarrier();
    }
  }
  storeSquares(m0, n0, local, sizesOf(0u), sums);
}
