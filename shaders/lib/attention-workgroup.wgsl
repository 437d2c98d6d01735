// What attention's kernels for real GPUs share. A workgroup of 64 threads owns 64/SLICES rows of one head of one window, a thread
// one row and one of SLICES parts of what the row meets; SLICES > 1 keeps threads busy where there are few rows. The rows that
// are met come through workgroup memory, 16 at a time, and a thread takes four of them at once.
#include "lib/attention"
override SLICES: u32;
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> relPos: array<f32>;
var<workgroup> first16: array<vec4f, 16 * MAX_D4>;
var<workgroup> second16: array<vec4f, 16 * MAX_D4>;
var<workgroup> parts: array<vec4f, 64>;

// Where the head's features of a row stand, counted in vectors.
fn placeOf(row: u32, head: u32) -> u32 {
  return row * (HEADS * D / 4u) + head * (D / 4u);
}

// Σ over the slices of a row, for the thread of slice 0; every thread must call it.
fn sumOfSlices(value: vec4f, thread: u32) -> vec4f {
  if (SLICES == 1u) { return value; }
  workgroupBarrier();
  parts[thread] = value;
  workgroupBarrier();
  var sum = value;
  for (var other = thread + 64u / SLICES; other < 64u; other += 64u / SLICES) { sum += parts[other]; }
  return sum;
}
