// partial[row, l] = counts over the pixels l, l + LANES, … of those in (both masks, either mask); the masks are
// logits > 0 and target > ½
// logits: [N·M, P]; target: [N, P]; partial: [N·M, LANES, 2]. One thread per lane; the counts are exact.
#include "lib/index"
override M: u32;
override P: u32;
override LANES: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let row = i / LANES;
  var counts = vec2f();
  for (var pixel = i % LANES; pixel < P; pixel += LANES) {
    let predicted = logits[row * P + pixel] > 0.0;
    let real = target_[(row / M) * P + pixel] > 0.5;
    counts += vec2f(select(0.0, 1.0, predicted && real), select(0.0, 1.0, predicted || real));
  }
  partial[i] = counts;
}
