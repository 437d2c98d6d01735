// Pieces of sequences of tokens: piece k is [N, length k, features] and stands from token start k on in [N, tokens,
// features]. A length of 0: there is no such piece.
struct Params {
  tokens: u32,
  features: u32,
  start0: u32,
  length0: u32,
  start1: u32,
  length1: u32,
  start2: u32,
  length2: u32,
  start3: u32,
  length3: u32,
  start4: u32,
  length4: u32,
  start5: u32,
  length5: u32,
}
@group(0) @binding(15) var<uniform> params: Params;

struct Place {
  isInside: bool,
  // Where in the piece.
  at: u32,
}

// Where element i of the whole stands in a piece.
fn placeIn(i: u32, start: u32, length: u32) -> Place {
  let C = params.features;
  let T = params.tokens;
  let t = i / C % T;
  let isInside = t >= start && t - start < length;
  return Place(isInside, (i / (C * T) * length + select(0u, t - start, isInside)) * C + i % C);
}
