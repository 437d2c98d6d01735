// out = before + SHARE · σ(alpha + SHIFT)      all: [1]
#include "lib/sigmoid"
override SHARE: f32;
override SHIFT: f32;
override HAS_BEFORE: bool;
@group(0) @binding(0) var<storage, read> alpha: array<f32>;
@group(0) @binding(1) var<storage, read> before: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(1)
fn main() {
  out[0] = select(0.0, before[0], HAS_BEFORE) + SHARE * sigmoidOf(alpha[0] + SHIFT);
}
