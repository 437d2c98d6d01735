// Layout of the tensors of attention's software family: one head after the other, [M, h, rows, D] for the h heads of
// the dispatch from FROM_HEAD on. Rows of keys are the PREFIX columns and then the others, each padded with rows of
// zeros to a multiple of 4: every tensor is then read in vectors, and the others are summed in the same groups with
// and without a prefix.
override HEADS: u32;
override FROM_HEAD: u32;
override D: u32;
override PREFIX: u32;

fn fours(n: u32) -> u32 { return (n + 3u) / 4u * 4u; }

// The token of a row; at least N for a row of zeros.
fn tokenOf(row: u32, N: u32) -> u32 {
  let first = fours(PREFIX);
  if (row < first) { return select(N, row, row < PREFIX); }
  return row - first + PREFIX;
}

// The inverse.
fn rowOf(token: u32) -> u32 {
  return select(token - PREFIX + fours(PREFIX), token, token < PREFIX);
}
