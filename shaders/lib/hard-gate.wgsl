// The binary concrete distribution and its stretched form. A uniform number that was rounded to 0 or 1 is taken for its neighbour.
#include "lib/index"
#include "lib/sigmoid"
override LOW: f32;
override HIGH: f32;
override TEMPERATURE: f32;

fn drawn(alpha: f32, draw: f32) -> f32 {
  let u = clamp(draw, 1e-30, 0.99999994);
  return sigmoidOf((log(u) - log(1.0 - u) + alpha) / TEMPERATURE);
}

fn stretched(s: f32) -> f32 {
  return s * (HIGH - LOW) + LOW;
}
