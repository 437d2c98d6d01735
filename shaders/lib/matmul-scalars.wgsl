// Bindings, blocks and stores of matmul for any sizes: every value is loaded separately. As lib/matmul-tile wants them.
override A_T: bool;
override B_T: bool;
alias Value = f32;
const IN_VALUE = 1u;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
#include "lib/matmul-epilogue"

const FOUR = vec4u(0u, 1u, 2u, 3u);

// Places at k = 0 of the four rows of op(a) and of the four columns of op(b); those past M and N repeat the last.
fn aStart(m: u32, s: Sizes) -> vec4u {
  return s.a + min(m + FOUR, vec4u(s.M - 1u)) * select(s.K, 1u, A_T);
}
fn bStart(n: u32, s: Sizes) -> vec4u {
  return s.b + min(n + FOUR, vec4u(s.N - 1u)) * select(1u, s.K, B_T);
}

// Places of k … k + 3, those past K repeating the last; `stride` is the distance between neighbours along K.
fn steps(k: u32, stride: u32, s: Sizes) -> vec4u {
  return min(k + FOUR, vec4u(s.K - 1u)) * stride;
}

fn aRow(start: u32, step: vec4u) -> vec4f {
  return vec4f(a[start + step.x], a[start + step.y], a[start + step.z], a[start + step.w]);
}
fn bRow(start: vec4u, step: u32) -> vec4f {
  return vec4f(b[start.x + step], b[start.y + step], b[start.z + step], b[start.w + step]);
}

// Rows m … m + 3 of op(a) from k on, and rows k … k + 3 of op(b) from n on.
fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let step = steps(k, select(1u, s.M, A_T), s);
  return mat4x4f(aRow(start.x, step), aRow(start.y, step), aRow(start.z, step), aRow(start.w, step));
}
fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let step = steps(k, select(s.N, 1u, B_T), s);
  return mat4x4f(bRow(start, step.x), bRow(start, step.y), bRow(start, step.z), bRow(start, step.w));
}

// The same with zeros past this part of K.
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  let isThere = k + FOUR < vec4u(s.end);
  return mat4x4f(
    select(vec4f(), vectors[0], isThere),
    select(vec4f(), vectors[1], isThere),
    select(vec4f(), vectors[2], isThere),
    select(vec4f(), vectors[3], isThere),
  );
}
// Rows past K meet zeros of a.
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return vectors; }

// What is added to columns n … n + 3 of every row.
fn biasOf(n: u32, s: Sizes) -> vec4f {
  let at = min(n + FOUR, vec4u(s.N - 1u));
  return vec4f(biasAt(at.x), biasAt(at.y), biasAt(at.z), biasAt(at.w));
}

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m >= s.M) { return; }
  for (var j = 0u; j < min(4u, s.N - min(n, s.N)); j++) {
    finishBiased(s.out + m * s.N + n + j, values[j]);
  }
}

fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {
  if (n > 0u) { return; }
  for (var j = 0u; j < min(4u, s.M - min(m, s.M)); j++) { finishSums(s.part * s.M + m + j, sums[j]); }
}
