// The same for up to two x and six targets: lib/accumulate-sums.
override COUNT_0: u32;
override COUNT_1: u32;
@group(0) @binding(0) var<storage, read> x0: array<f32>;
@group(0) @binding(1) var<storage, read> x1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t0: array<f32>;
@group(0) @binding(3) var<storage, read_write> t1: array<f32>;
@group(0) @binding(4) var<storage, read_write> t2: array<f32>;
@group(0) @binding(5) var<storage, read_write> t3: array<f32>;
@group(0) @binding(6) var<storage, read_write> t4: array<f32>;
@group(0) @binding(7) var<storage, read_write> t5: array<f32>;
#include "lib/accumulate-sums"

fn countOf(x: u32) -> u32 {
  switch x {
    case 0u: { return COUNT_0; }
    default: { return COUNT_1; }
  }
}

fn lengthOf(x: u32) -> u32 {
  switch x {
    case 0u: { return arrayLength(&x0); }
    default: { return arrayLength(&x1); }
  }
}

fn load(x: u32, i: u32) -> f32 {
  switch x {
    case 0u: { return x0[i]; }
    default: { return x1[i]; }
  }
}

fn sizeOf(k: u32) -> u32 {
  switch k {
    case 0u: { return arrayLength(&t0); }
    case 1u: { return arrayLength(&t1); }
    case 2u: { return arrayLength(&t2); }
    case 3u: { return arrayLength(&t3); }
    case 4u: { return arrayLength(&t4); }
    default: { return arrayLength(&t5); }
  }
}

fn put(k: u32, i: u32, sum: f32) {
  switch k {
    case 0u: { t0[i] += sum; }
    case 1u: { t1[i] += sum; }
    case 2u: { t2[i] += sum; }
    case 3u: { t3[i] += sum; }
    case 4u: { t4[i] += sum; }
    default: { t5[i] += sum; }
  }
}
