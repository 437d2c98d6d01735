// total[0] = Σ partial, or total[0] += Σ partial where IS_MORE      partial: [lanes]; total: [1]. One thread, in order.
override IS_MORE: bool;
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  if (IS_MORE) { sum = total[0]; }
  for (var l = 0u; l < arrayLength(&partial); l++) { sum += partial[l]; }
  total[0] = sum;
}
