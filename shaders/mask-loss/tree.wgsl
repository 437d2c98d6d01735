// losses and sums of mask-loss/finish in one dispatch, for real GPUs: the 256 threads of a workgroup sum the pixels
// t, t + 256, … of one row, and a tree adds them.
// logits: [N·M, P]; target: [N, P]; losses: [N·M, 2]; sums: [N·M, 4]
#include "lib/mask-sums"
#include "lib/mask-terms"
override M: u32;
override P: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> losses: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;
var<workgroup> parts: array<vec4f, 256>;
var<workgroup> counts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arrayLength(&losses)) { return; }
  var part = vec4f();
  var count = 0.0;
  for (var pixel = thread; pixel < P; pixel += 256u) {
    let t = target_[(row / M) * P + pixel];
    if (t < 0.0) { continue; }
    let terms = maskTerms(logits[row * P + pixel], t);
    part += vec4f(terms.alpha * terms.missed * terms.missed * terms.bce, terms.p * t, terms.p, t);
    count += 1.0;
  }
  parts[thread] = part;
  counts[thread] = count;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) {
      parts[thread] += parts[thread + half];
      counts[thread] += counts[thread + half];
    }
  }
  if (thread == 0u) {
    let own = MaskSums(parts[0].x, parts[0].y, parts[0].z, parts[0].w, counts[0]);
    sums[row] = keptOf(own);
    losses[row] = lossesOf(own);
  }
}
