// Probabilities and their gradients for attention's backward at any head width.
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;

// p of column j, and ds = p · (dout·v_j − delta); both zero on a prefix column of mass zero.
fn probability(row: Row, j: u32) -> vec2f {
  var weight = 1.0;
  if (j < PREFIX) { weight = stats[row.index * 3u + 2u]; }
  if (weight == 0.0) { return vec2f(); }
  let at = keyAt(row, j);
  var dp = 0.0;
  for (var d = 0u; d < D; d++) { dp += dout[row.at + d] * v[at + d]; }
  let p = weight * exp(score(row, j) - stats[row.index * 3u]);
  return vec2f(p, p * (dp - stats[row.index * 3u + 1u]));
}
