// out = multipliers[0] · over + multipliers[1] · over², over = max(0, kept − budget)      kept, budget, out: [1]; multipliers: [2]
@group(0) @binding(0) var<storage, read> kept: array<f32>;
@group(0) @binding(1) var<storage, read> budget: array<f32>;
@group(0) @binding(2) var<storage, read> multipliers: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let over = max(0.0, kept[0] - budget[0]);
  out[0] = over * (multipliers[0] + multipliers[1] * over);
}
