// out[z, i] = Σ over splits of partial[z, split, i], then what lib/matmul-epilogue says
// partial: [Z, splits, M·N]; out: [Z, M·N]; with HAS_SUMS kept[m] = Σ over splits of partialSums[split, m].
// One thread per element, splits in order: the sum is the same every time. Z is the dispatch's z.
#include "lib/matmul-params"
alias Value = f32;
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> partialSums: array<f32>;
#include "lib/matmul-epilogue"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let size = arrayLength(&out) / groups.z;
  let i = id.x + id.y * groups.x * 64u;
  let count = params.splits;
  var sum = 0.0;
  if (i < size) {
    for (var split = 0u; split < count; split++) { sum += partial[(id.z * count + split) * size + i]; }
    finish(id.z * size + i, i % arrayLength(&bias), sum);
    return;
  }
  if (HAS_SUMS) {
    let m = i - size;
    let M = arrayLength(&kept);
    if (m >= M) { return; }
    for (var split = 0u; split < count; split++) { sum += partialSums[split * M + m]; }
    finishSums(m, sum);
  }
}
