// out[row] = Σ_l partial[row, l].both / max(Σ_l partial[row, l].either, 1)
// partial: [N·M, LANES, 2]; out: [N·M]. One thread per row, lanes in order.
#include "lib/index"
override LANES: u32;
@group(0) @binding(0) var<storage, read> partial: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = flatIndex(id, groups);
  if (row >= arrayLength(&out)) { return; }
  var total = vec2f();
  for (var l = 0u; l < LANES; l++) { total += partial[row * LANES + l]; }
  out[row] = total.x / max(total.y, 1.0);
}
