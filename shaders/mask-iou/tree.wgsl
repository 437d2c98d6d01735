// out of mask-iou/finish in one dispatch, for real GPUs: the 256 threads of a workgroup count the pixels t, t + 256, …
// of one row as in mask-iou/partial, and a tree adds them; the counts are exact.
// logits: [N·M, P]; target: [N, P]; out: [N·M]
override M: u32;
override P: u32;
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> target_: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
var<workgroup> parts: array<vec3f, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= arrayLength(&out)) { return; }
  var counts = vec3f();
  for (var pixel = thread; pixel < P; pixel += 256u) {
    let t = target_[(row / M) * P + pixel];
    if (t < 0.0) { continue; }
    let predicted = logits[row * P + pixel] > 0.0;
    let real = t > 0.5;
    counts += vec3f(select(0.0, 1.0, predicted && real), select(0.0, 1.0, predicted || real), 1.0);
  }
  parts[thread] = counts;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { parts[thread] += parts[thread + half]; }
  }
  if (thread == 0u) {
    let total = parts[0];
    out[row] = select(-1.0, total.x / max(total.y, 1.0), total.z > 0.0);
  }
}
