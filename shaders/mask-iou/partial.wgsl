// partial[row, l] = counts over the pixels l, l + LANES, … of those in (both masks, either mask) and of those that
// take part (target ≥ 0); the masks are logits > 0 and target > ½ of the pixels that take part
// logits: [N·M, P]; target: [N, P]; partial: [N·M, LANES, 3]. One thread per lane; the counts are exact.
#include "lib/index"
override M: u32;
override P: u32;
override LANES: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (3u * i >= arrayLength(&partial)) { return; }
  let row = i / LANES;
  var counts = vec3f();
  for (var pixel = i % LANES; pixel < P; pixel += LANES) {
    let t = target_[(row / M) * P + pixel];
    if (t < 0.0) { continue; }
    let predicted = logits[row * P + pixel] > 0.0;
    let real = t > 0.5;
    counts += vec3f(select(0.0, 1.0, predicted && real), select(0.0, 1.0, predicted || real), 1.0);
  }
  partial[3u * i] = counts.x;
  partial[3u * i + 1u] = counts.y;
  partial[3u * i + 2u] = counts.z;
}
