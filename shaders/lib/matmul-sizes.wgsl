// Sizes of a product, and the part of it that the dispatch's z stands for. They follow from the lengths of the
// buffers, so one pipeline serves every size: with P = M·N, Q = M·K, R = K·N, N is √(P·R/Q), which f32 rounds
// correctly up to a million and more. z counts the splits, ranges of K, for every product of the batch; with more than
// one, out holds partial products.
#include "lib/matmul-params"

struct Sizes {
  M: u32,
  N: u32,
  K: u32,
  // Where this product's a, b and out begin.
  a: u32,
  b: u32,
  out: u32,
  // Number of this part of K, and its range.
  part: u32,
  begin: u32,
  end: u32,
}

// Begin and end of a part of K. Parts are whole fours; the last takes what is left.
fn rangeOf(part: u32, K: u32) -> vec2u {
  let length = ((K + 3u) / 4u + params.splits - 1u) / params.splits * 4u;
  return vec2u(part * length, min(K, (part + 1u) * length));
}

fn sizes(aLength: u32, bLength: u32, outLength: u32, z: u32, Z: u32) -> Sizes {
  let parts = params.splits;
  let batch = Z / parts;
  let P = outLength / Z;
  let Q = aLength / batch;
  let R = bLength / batch;
  let N = u32(round(sqrt(f32(P) * (f32(R) / f32(Q)))));
  let M = P / N;
  let K = R / N;
  let product = z / parts;
  let range = rangeOf(z % parts, K);
  return Sizes(M, N, K, product * Q, product * R, z * P, z % parts, range.x, range.y);
}

// Four vectors from k on, one for each, zeros past this part of K.
fn withinPart(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  return mat4x4f(
    select(vec4f(), vectors[0], k < s.end),
    select(vec4f(), vectors[1], k + 1u < s.end),
    select(vec4f(), vectors[2], k + 2u < s.end),
    select(vec4f(), vectors[3], k + 3u < s.end),
  );
}
