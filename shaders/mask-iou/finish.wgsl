// With the sums Σ_l partial[row, l] = (both, either, pixels that take part):
// out[row] = both / max(either, 1), −1 when no pixel takes part
// partial: [N·M, LANES, 3]; out: [N·M]. One thread per row, lanes in order.
#include "lib/index"
override LANES: u32;
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&out)) { return; }
  var total = vec3f();
  for (var l = 0u; l < LANES; l++) {
    let at = 3u * (row * LANES + l);
    total += vec3f(partial[at], partial[at + 1u], partial[at + 2u]);
  }
  out[row] = select(-1.0, total.x / max(total.y, 1.0), total.z > 0.0);
}
