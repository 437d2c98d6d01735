// dalpha of kept-share/forward      all: [1]
#include "lib/sigmoid"
override SHARE: f32;
override SHIFT: f32;
@group(0) @binding(0) var<storage, read> alpha: array<f32>;
@group(0) @binding(1) var<storage, read> dout: array<f32>;
@group(0) @binding(2) var<storage, read_write> dalpha: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let p = sigmoidOf(alpha[0] + SHIFT);
  dalpha[0] = dout[0] * SHARE * p * (1.0 - p);
}
