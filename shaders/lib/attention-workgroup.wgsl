// Shared by attention's kernels for real GPUs. A workgroup of 64 threads owns 64/SLICES rows of one head of one
// window. A thread owns one row and goes over one of SLICES parts of the rows that it meets; SLICES > 1 keeps
// threads busy where there are few rows. The rows that are met come through workgroup memory, 16 at a time, and a
// thread takes four at once.
// D is a multiple of 4, at most 4 · MAX_D4, and q, k and v are read in vectors of four.
// Columns are cut into segments: 0 = the PREFIX columns, 1 = the others; a tile never holds both.
override HEADS: u32;
// Head of the dispatch's first workgroup along y: large attention goes in several dispatches, some heads each.
override FIRST_HEAD: u32;
override D: u32;
override PREFIX: u32;
override GRID_W: u32;
override SCALE: f32;
override HAS_REL: bool;
override HAS_BIAS: bool;
override SLICES: u32;
const MAX_D4 = 20;
// Stands for −∞ in the running maximum; WGSL promises nothing about infinities.
const LOWEST = -3e38;
const FOUR = vec4u(0u, 1u, 2u, 3u);
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
// Or, with HAS_BIAS, the bias [HEADS, Nq, Nk − PREFIX] of every window.
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
