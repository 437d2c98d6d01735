// Sums of the mask losses over pixels that take part, and what follows from them.
struct MaskSums {
  focal: f32,
  both: f32,       // Σ p·t
  predicted: f32,  // Σ p
  real: f32,       // Σ t
  count: f32,      // pixels
}

// (focal / max(C, 1), 1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1))
fn lossesOf(sums: MaskSums) -> vec2f {
  let dice = 1.0 - (2.0 * sums.both + 1.0) / (sums.predicted + sums.real + 1.0);
  return vec2f(sums.focal / max(sums.count, 1.0), dice);
}

// What the backward needs.
fn keptOf(sums: MaskSums) -> vec4f {
  return vec4f(sums.focal, sums.both, sums.predicted + sums.real, sums.count);
}
