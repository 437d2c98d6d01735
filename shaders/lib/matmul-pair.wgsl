// Two linear layers of equal sizes, a · bᵀ each; which of them is the dispatch's z.   a: [M, K], b: [N, K], out: [M, N]
// N and K are multiples of 4. The including shader declares the bindings, lengths() of a, b and out, ofA(which, i),
// ofB(which, i) and finish(which, i, n, value), all of them counted in vectors.
override HAS_SUMS: bool;

fn aStart(m: u32, s: Sizes) -> vec4u {
  return min(m + vec4u(0u, 1u, 2u, 3u), vec4u(s.M - 1u)) * (s.K / 4u);
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  return min(n + vec4u(0u, 1u, 2u, 3u), vec4u(s.N - 1u)) * (s.K / 4u);
}

fn aBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let at = start + k / 4u;
  return mat4x4f(ofA(s.part, at.x), ofA(s.part, at.y), ofA(s.part, at.z), ofA(s.part, at.w));
}

fn bBlock(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let at = start + k / 4u;
  return transpose(mat4x4f(ofB(s.part, at.x), ofB(s.part, at.y), ofB(s.part, at.z), ofB(s.part, at.w)));
}

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m < s.M && n < s.N) { finish(s.part, m * (s.N / 4u) + n / 4u, n / 4u, values); }
}

fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {}

// Their sizes; `which` is the part.
fn pairSizes(which: u32) -> Sizes {
  let length = 4u * lengths();
  var s = sizes(length.x, length.y, length.z, 0u, 1u);
  s.part = which;
  return s;
}
