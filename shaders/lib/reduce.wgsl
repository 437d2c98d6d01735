// What the sums over an axis share; see reduce/serial.
override LENGTH: u32;
override COLUMNS: u32;
override SLICES: u32;
override FACTOR: f32;
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

// The part of x that slice `bs` of all [B, SLICES] sums.
fn sliceOf(bs: u32) -> Slice {
  let each = (LENGTH + SLICES - 1u) / SLICES;
  let first = bs % SLICES * each;
  return Slice(bs / SLICES * LENGTH * COLUMNS, first, min(LENGTH, first + each));
}

// How many sums there are.
fn outputs() -> u32 {
  if (HAS_REST) { return arrayLength(&out) + arrayLength(&rest); }
  return arrayLength(&out);
}

// Stores sum i, which counts [B, SLICES, COLUMNS]. With rest there is one slice.
fn put(i: u32, value: f32) {
  if (!HAS_REST) {
    out[i] = value;
    return;
  }
  let batch = i / COLUMNS;
  let column = i % COLUMNS;
  let A = COLUMNS * arrayLength(&out) / outputs();
  if (column < A) { out[batch * A + column] = value; } else { rest[batch * (COLUMNS - A) + column - A] = value; }
}
