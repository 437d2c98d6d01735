// Sums of the mask losses over pixels that take part.
struct MaskSums {
  focal: f32,
  both: f32,       // Σ p·t
  predicted: f32,  // Σ p
  real: f32,       // Σ t
  count: f32,      // pixels
}
