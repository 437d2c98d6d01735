// What the sums over an axis share; see reduce/serial.
struct Params {
  length: u32,
  columns: u32,
  slices: u32,
  factor: f32,
}
@group(0) @binding(15) var<uniform> params: Params;
override HAS_REST: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read_write> rest: array<f32>;

struct Slice {
  // Where its batch starts in x.
  start: u32,
  first: u32,
  end: u32,
}

// The part of x that slice `bs` of all [B, slices] sums.
fn sliceOf(bs: u32) -> Slice {
  let each = (params.length + params.slices - 1u) / params.slices;
  let first = bs % params.slices * each;
  return Slice(bs / params.slices * params.length * params.columns, first, min(params.length, first + each));
}

// How many sums there are.
fn outputs() -> u32 {
  if (HAS_REST) { return arrayLength(&out) + arrayLength(&rest); }
  return arrayLength(&out);
}

// Stores sum i, which counts [B, slices, columns]. With rest there is one slice.
fn put(i: u32, value: f32) {
  if (!HAS_REST) {
    out[i] = value;
    return;
  }
  let batch = i / params.columns;
  let column = i % params.columns;
  let A = params.columns * arrayLength(&out) / outputs();
  if (column < A) { out[batch * A + column] = value; } else { rest[batch * (params.columns - A) + column - A] = value; }
}
