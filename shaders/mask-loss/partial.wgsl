// partial[row, l] = Σ over pixels l, l + LANES, … of (α_t·(1 − p_t)²·BCE, p·t, p, t)
// logits: [N·M, P]; target: [N, P]; partial: [N·M, LANES, 4]. One thread per lane, in order.
#include "lib/index"
#include "lib/mask-terms"
override M: u32;
override P: u32;
override LANES: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let row = i / LANES;
  var sums = vec4f();
  for (var pixel = i % LANES; pixel < P; pixel += LANES) {
    let t = target_[(row / M) * P + pixel];
    let terms = maskTerms(logits[row * P + pixel], t);
    sums += vec4f(terms.alpha * terms.missed * terms.missed * terms.bce, terms.p * t, terms.p, t);
  }
  partial[i] = sums;
}
