// out[b] = Σ_k a[b, k] · v[b, k], and the same of a2 and v2 unless PER_SAMPLE_2 is 0, as in lib/sample-dot with vectors of four
// For real GPUs and samples that are not large: a workgroup of 256 threads a sample. Thread t sums every 256th vector, and a
// tree adds the threads: the same order every time.
override PER_SAMPLE: u32;
override PER_SAMPLE_2: u32;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> v: array<vec4f>;
@group(0) @binding(2) var<storage, read> a2: array<vec4f>;
@group(0) @binding(3) var<storage, read> v2: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let start = group.x * PER_SAMPLE;
  let startV = start % arrayLength(&v);
  var sum = 0.0;
  for (var k = thread; k < PER_SAMPLE; k += 256u) { sum += dot(a[start + k], v[startV + k]); }
  let start2 = group.x * PER_SAMPLE_2;
  let startV2 = start2 % arrayLength(&v2);
  for (var k = thread; k < PER_SAMPLE_2; k += 256u) { sum += dot(a2[start2 + k], v2[startV2 + k]); }
  sums[thread] = sum;
  for (var half = 128u; half >= 1u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { sums[thread] += sums[thread + half]; }
  }
  if (thread == 0u) { out[group.x] = sums[0]; }
}
