// Sums of the rows of up to four x onto up to four targets: lib/accumulate-sums.
override COUNT_0: u32;
override COUNT_1: u32;
override COUNT_2: u32;
override COUNT_3: u32;
@group(0) @binding(0) var<storage, read> x0: array<f32>;
@group(0) @binding(1) var<storage, read> x1: array<f32>;
@group(0) @binding(2) var<storage, read> x2: array<f32>;
@group(0) @binding(3) var<storage, read> x3: array<f32>;
@group(0) @binding(4) var<storage, read_write> t0: array<f32>;
@group(0) @binding(5) var<storage, read_write> t1: array<f32>;
@group(0) @binding(6) var<storage, read_write> t2: array<f32>;
@group(0) @binding(7) var<storage, read_write> t3: array<f32>;
#include "lib/accumulate-sums"

fn countOf(x: u32) -> u32 {
  switch x {
    case 0u: { return COUNT_0; }
    case 1u: { return COUNT_1; }
    case 2u: { return COUNT_2; }
    default: { return COUNT_3; }
  }
}

fn lengthOf(x: u32) -> u32 {
  switch x {
    case 0u: { return arrayLength(&x0); }
    case 1u: { return arrayLength(&x1); }
    case 2u: { return arrayLength(&x2); }
    default: { return arrayLength(&x3); }
  }
}

fn load(x: u32, i: u32) -> f32 {
  switch x {
    case 0u: { return x0[i]; }
    case 1u: { return x1[i]; }
    case 2u: { return x2[i]; }
    default: { return x3[i]; }
  }
}

fn sizeOf(k: u32) -> u32 {
  switch k {
    case 0u: { return arrayLength(&t0); }
    case 1u: { return arrayLength(&t1); }
    case 2u: { return arrayLength(&t2); }
    default: { return arrayLength(&t3); }
  }
}

fn put(k: u32, i: u32, sum: f32) {
  switch k {
    case 0u: { t0[i] += sum; }
    case 1u: { t1[i] += sum; }
    case 2u: { t2[i] += sum; }
    default: { t3[i] += sum; }
  }
}
