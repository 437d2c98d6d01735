// partial[row, l] = Σ over the pixels l, l + LANES, … that take part (t ≥ 0) of (α_t·(1 − p_t)²·BCE, p·t, p, t, 1)
// logits: [N·M, P]; target: [N, P]; partial: [N·M, LANES, 5]. One thread per lane, in order.
#include "lib/index"
#include "lib/mask-sums"
#include "lib/mask-terms"
override M: u32;
override P: u32;
override LANES: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<MaskSums>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let row = i / LANES;
  var sums = vec4f();
  var count = 0.0;
  for (var pixel = i % LANES; pixel < P; pixel += LANES) {
    let t = target_[(row / M) * P + pixel];
    if (t < 0.0) { continue; }
    let terms = maskTerms(logits[row * P + pixel], t);
    sums += vec4f(terms.alpha * terms.missed * terms.missed * terms.bce, terms.p * t, terms.p, t);
    count += 1.0;
  }
  partial[i] = MaskSums(sums.x, sums.y, sums.z, sums.w, count);
}
