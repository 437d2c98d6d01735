// Bindings, loads and stores of matmul's families whose innermost axes are multiples of 4.
// A block is stored as four vectors: of a, rows m + i from k on, or with A_T rows k + i from m on; of b likewise.
// Rows and columns past M and N repeat the last one and are never stored.
override A_T: bool;
override B_T: bool;
alias Value = vec4f;
const IN_VALUE = 4u;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
#include "lib/matmul-epilogue"

// Places of the four vectors of a block at k = 0, counted in vectors.
fn aStart(m: u32, s: Sizes) -> vec4u {
  let i = vec4u(0u, 1u, 2u, 3u);
  if (A_T) { return s.a / 4u + i * (s.M / 4u) + min(m, s.M - 4u) / 4u; }
  return s.a / 4u + min(m + i, vec4u(s.M - 1u)) * (s.K / 4u);
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  let i = vec4u(0u, 1u, 2u, 3u);
  if (B_T) { return s.b / 4u + min(n + i, vec4u(s.N - 1u)) * (s.K / 4u); }
  return s.b / 4u + i * (s.N / 4u) + min(n, s.N - 4u) / 4u;
}

// What is added to columns n … n + 3 of every row.
fn biasOf(n: u32, s: Sizes) -> vec4f { return biasAt(n / 4u); }

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m >= s.M || n >= s.N) { return; }
  finishBiased(s.out / 4u + m * (s.N / 4u) + n / 4u, values);
}

// The sums along K of rows m … m + 3 of op(a), by the threads at the first columns.
fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {
  if (n == 0u && m < s.M) { finishSums((s.part * s.M + m) / 4u, sums); }
}
