// out[z, i] = Σ over splits of partial[z, split, i]      partial: [Z, SPLITS, M·N]; out: [Z, M·N]
// One thread per element, splits in order: the sum is the same every time. Z is the dispatch's z.
override SPLITS: u32;
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let size = arrayLength(&out) / groups.z;
  let i = id.x + id.y * groups.x * 64u;
  if (i >= size) { return; }
  var sum = 0.0;
  for (var split = 0u; split < SPLITS; split++) { sum += partial[(id.z * SPLITS + split) * size + i]; }
  out[id.z * size + i] = sum;
}
