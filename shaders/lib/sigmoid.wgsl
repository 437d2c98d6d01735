// 1/(1 + exp(−x)) without an exponential that overflows.
fn sigmoidOf(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}
