// gate[b] = mean over t of open[b, t], and gate2 of open2      open: [B, T]; gate: [B]
// A workgroup of 64 threads for each b; z 1 is the second gate. Thread i sums every 64th token, and they add up by eights.
@group(0) @binding(0) var<storage, read> open: array<f32>;
@group(0) @binding(1) var<storage, read> open2: array<f32>;
@group(0) @binding(2) var<storage, read_write> gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> gate2: array<f32>;
var<workgroup> sums: array<f32, 64>;
var<workgroup> eights: array<f32, 8>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let T = arrayLength(&open) / arrayLength(&gate);
  var own = 0.0;
  for (var t = group.x * T + thread; t < (group.x + 1u) * T; t += 64u) {
    if (group.z == 0u) { own += open[t]; } else { own += open2[t]; }
  }
  sums[thread] = own;
  workgroupBarrier();
  if (thread < 8u) {
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += sums[thread * 8u + i]; }
    eights[thread] = sum;
  }
  workgroupBarrier();
  if (thread == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += eights[i]; }
    if (group.z == 0u) { gate[group.x] = sum / f32(T); } else { gate2[group.x] = sum / f32(T); }
  }
}
