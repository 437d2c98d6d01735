// partial[b, s] = Σ_k a[b, k] · v[b, k] over k = s, s + S, …, and the same of a2 and v2 unless PER_SAMPLE_2 is 0
// a: [B, n]; v: [B, n], or [n] for every b; partial: [B, S]; PER_SAMPLE = n, counted in the including shader's alias
// Value, f32 or vec4f, as k is. `product` gives the sum of the products of two of them.
// One thread per slice; lib/reduce sums the slices. With HAS_GATE also left[b, k] = gate[b] · a[b, k]; gate: [B].
#include "lib/index"
override PER_SAMPLE: u32;
override PER_SAMPLE_2: u32;
override HAS_GATE: bool;
@group(0) @binding(0) var<storage, read> a: array<Value>;
@group(0) @binding(1) var<storage, read> v: array<Value>;
@group(0) @binding(2) var<storage, read> a2: array<Value>;
@group(0) @binding(3) var<storage, read> v2: array<Value>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<storage, read> gate: array<f32>;
@group(0) @binding(6) var<storage, read_write> left: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let slices = arrayLength(&partial) / (arrayLength(&a) / PER_SAMPLE);
  let start = i / slices * PER_SAMPLE;
  let startV = start % arrayLength(&v);
  var sum = 0.0;
  for (var k = i % slices; k < PER_SAMPLE; k += slices) {
    let value = a[start + k];
    sum += product(value, v[startV + k]);
    if (HAS_GATE) { left[start + k] = gate[i / slices] * value; }
  }
  if (PER_SAMPLE_2 > 0u) {
    let start2 = i / slices * PER_SAMPLE_2;
    let startV2 = start2 % arrayLength(&v2);
    for (var k = i % slices; k < PER_SAMPLE_2; k += slices) { sum += product(a2[start2 + k], v2[startV2 + k]); }
  }
  partial[i] = sum;
}
