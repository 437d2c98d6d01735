// With the sums Σ_l partial[row, l] = (focal, Σ p·t, Σ p, Σ t, C), C the pixels that take part:
// sums[row] = (focal, Σ p·t, Σ p + Σ t, C)
// losses[row] = (focal / max(C, 1), 1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1))
// partial: [N·M, LANES, 5]; losses: [N·M, 2]; sums: [N·M, 4]. One thread per row, lanes in order.
#include "lib/index"
#include "lib/mask-sums"
override LANES: u32;
@group(0) @binding(0) var<storage, read> partial: array<MaskSums>;
@group(0) @binding(1) var<storage, read_write> losses: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&losses)) { return; }
  var total = vec4f();
  var count = 0.0;
  for (var l = 0u; l < LANES; l++) {
    let part = partial[row * LANES + l];
    total += vec4f(part.focal, part.both, part.predicted, part.real);
    count += part.count;
  }
  let own = MaskSums(total.x, total.y, total.z, total.w, count);
  sums[row] = keptOf(own);
  losses[row] = lossesOf(own);
}
