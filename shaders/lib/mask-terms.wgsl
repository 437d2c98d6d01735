// What the mask losses need of one logit x and its target t in {0, 1}; finite at any x.
struct MaskTerms {
  p: f32,       // σ(x)
  q: f32,       // σ(−x) = 1 − p, without cancellation
  bce: f32,     // −log of the probability of the target
  missed: f32,  // 1 − p_t
  alpha: f32,   // α_t
}

fn maskTerms(x: f32, t: f32) -> MaskTerms {
  let e = exp(-abs(x));
  let large = 1.0 / (1.0 + e);
  let small = e * large;
  let p = select(small, large, x >= 0.0);
  let q = select(large, small, x >= 0.0);
  // log(1 + e) by its series where adding e to 1 would lose it.
  let log1p = select(log(1.0 + e), e * (1.0 - e * (0.5 - e / 3.0)), e < 0.01);
  let bce = max(x, 0.0) - x * t + log1p;
  return MaskTerms(p, q, bce, p * (1.0 - t) + q * t, 0.25 * t + 0.75 * (1.0 - t));
}
