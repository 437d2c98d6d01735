// out[0] = Σ partial      partial: [lanes]; out: [1]. One thread, in order.
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var l = 0u; l < arrayLength(&partial); l++) { sum += partial[l]; }
  out[0] = sum;
}
