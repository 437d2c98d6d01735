// dlogits = dout₀ · ∂focal + dout₁ · ∂dice where t ≥ 0, else 0,
// with p = σ(x), s = 1 − p_t, S = Σ p + Σ t + 1, I = 2 Σ p·t + 1, C pixels that take part:
//   ∂focal = α_t · (2 s · p(1 − p)(1 − 2t) · BCE + s²·(p − t)) / C
//   ∂dice  = −(2 t S − I) / S² · p(1 − p)
// logits, dlogits: [N·M, P]; target: [N, P]; sums: [N·M, 4] as forward saved them; dout: [N·M, 2]
// One thread per element.
#include "lib/index"
#include "lib/mask-terms"
override M: u32;
override P: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read> sums: array<vec4f>;
@group(0) @binding(3) var<storage, read> dout: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&dlogits)) { return; }
  let row = i / P;
  let t = target_[(row / M) * P + i % P];
  if (t < 0.0) {
    dlogits[i] = 0.0;
    return;
  }
  let terms = maskTerms(logits[i], t);
  let slope = terms.p * terms.q;
  let error = terms.p * (1.0 - t) - terms.q * t;
  let s = terms.missed;
  let focal = terms.alpha * (2.0 * s * slope * (1.0 - 2.0 * t) * terms.bce + s * s * error) / sums[row].w;
  let total = sums[row].z + 1.0;
  let both = 2.0 * sums[row].y + 1.0;
  let dice = -(2.0 * t * total - both) / (total * total) * slope;
  dlogits[i] = dout[row].x * focal + dout[row].y * dice;
}
