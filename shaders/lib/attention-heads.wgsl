// Layout of the tensors of attention's software family: one head after the other, [M, h, rows, d] for the h heads of
// the dispatch from fromHead on. Rows of keys are the prefix columns and then the others, each padded with rows of
// zeros to a multiple of 4: every tensor is then read in vectors, and the others are summed in the same groups with
// and without a prefix.
struct Params {
  heads: u32,
  fromHead: u32,
  d: u32,
  prefix: u32,
  gridW: u32,
  windows: u32,
  scale: f32,
}
@group(0) @binding(15) var<uniform> params: Params;

fn fours(n: u32) -> u32 { return (n + 3u) / 4u * 4u; }

// The token of a row; at least N for a row of zeros.
fn tokenOf(row: u32, N: u32) -> u32 {
  let first = fours(params.prefix);
  if (row < first) { return select(N, row, row < params.prefix); }
  return row - first + params.prefix;
}

// The inverse.
fn rowOf(token: u32) -> u32 {
  return select(token - params.prefix + fours(params.prefix), token, token < params.prefix);
}
