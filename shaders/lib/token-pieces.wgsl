// Pieces of sequences of tokens: piece k is [N, LENGTH_k, C] and stands from token START_k on in [N, T, C]. A length of 0:
// there is no such piece.
override T: u32;
override C: u32;
override START_0: u32;
override LENGTH_0: u32;
override START_1: u32;
override LENGTH_1: u32;
override START_2: u32;
override LENGTH_2: u32;
override START_3: u32;
override LENGTH_3: u32;
override START_4: u32;
override LENGTH_4: u32;
override START_5: u32;
override LENGTH_5: u32;

struct Place {
  isInside: bool,
  // Where in the piece.
  at: u32,
}

// Where element i of the whole stands in a piece.
fn placeIn(i: u32, start: u32, length: u32) -> Place {
  let t = i / C % T;
  let isInside = t >= start && t - start < length;
  return Place(isInside, (i / (C * T) * length + select(0u, t - start, isInside)) * C + i % C);
}
