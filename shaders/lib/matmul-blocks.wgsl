// 4 × 4 blocks of op(a) and op(b) where the innermost axes are multiples of 4, every thread its own: as lib/matmul-tile and
// lib/matmul-shared want them.
#include "lib/matmul-vectors"

// A block as it lies in the buffer, whose four places at k = 0 are `start`.
fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  var at = start + k / 4u;
  if (A_T) { at = start + k * (s.M / 4u); }
  return mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}
fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  var at = start + k * (s.N / 4u);
  if (B_T) { at = start + k / 4u; }
  return mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}

// Columns are rows m … m + 3 of op(a), from k on, zero past this part of K, which is a multiple of 4 unless A_T.
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  if (!A_T) { return vectors; }
  return transpose(withinPart(vectors, k, s));
}
// Columns are rows k … k + 3 of op(b), from n on. Those past K are there only when A_T, and meet zeros of a.
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  if (B_T) { return transpose(vectors); }
  return vectors;
}
