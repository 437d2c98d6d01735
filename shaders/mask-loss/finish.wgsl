// sums[row] = Σ_l partial[row, l] = (focal, Σ p·t, Σ p, Σ t)
// losses[row] = (focal / P, 1 − (2 Σ p·t + 1) / (Σ p + Σ t + 1))
// partial: [N·M, LANES, 4]; losses: [N·M, 2]; sums: [N·M, 4]. One thread per row, lanes in order.
#include "lib/index"
override P: u32;
override LANES: u32;
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> losses: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&losses)) { return; }
  var total = vec4f();
  for (var l = 0u; l < LANES; l++) { total += partial[row * LANES + l]; }
  sums[row] = total;
  losses[row] = vec2f(total.x / f32(P), 1.0 - (2.0 * total.y + 1.0) / (total.z + total.w + 1.0));
}
