// Gradients of kept-share/price      kept, budget, dout, dkept: [1]; multipliers, dmultipliers: [2]
@group(0) @binding(0) var<storage, read> kept: array<f32>;
@group(0) @binding(1) var<storage, read> budget: array<f32>;
@group(0) @binding(2) var<storage, read> multipliers: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read_write> dkept: array<f32>;
@group(0) @binding(5) var<storage, read_write> dmultipliers: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let over = max(0.0, kept[0] - budget[0]);
  dkept[0] = select(0.0, dout[0] * (multipliers[0] + 2.0 * multipliers[1] * over), over > 0.0);
  dmultipliers[0] = dout[0] * over;
  dmultipliers[1] = dout[0] * over * over;
}
