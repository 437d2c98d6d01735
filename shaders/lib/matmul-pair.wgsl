// Two linear layers of equal sizes, a · bᵀ each; which of them is the dispatch's z.   a: [M, K], b: [N, K], out: [M, N]
// N and K are multiples of 4. The including shader declares the bindings, lengths() of a, b and out, ofA(which, at) and
// ofB(which, at), four vectors each, and biasOf(n, s) and finish(which, i, value), all of them counted in vectors.
override HAS_SUMS: bool;

fn aStart(m: u32, s: Sizes) -> vec4u {
  return min(m + vec4u(0u, 1u, 2u, 3u), vec4u(s.M - 1u)) * (s.K / 4u);
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  return min(n + vec4u(0u, 1u, 2u, 3u), vec4u(s.N - 1u)) * (s.K / 4u);
}

fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return ofA(s.part, start + k / 4u); }
fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f { return ofB(s.part, start + k / 4u); }
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return vectors; }
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return transpose(vectors); }

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m < s.M && n < s.N) { finish(s.part, m * (s.N / 4u) + n / 4u, values); }
}

fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {}

// Their sizes; `which` is the part.
fn pairSizes(which: u32) -> Sizes {
  let length = 4u * lengths();
  var s = sizes(length.x, length.y, length.z, 0u, 1u);
  s.part = which;
  return s;
}
