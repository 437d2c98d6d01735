// Both gradients of a linear layer of few rows, y = x · weightᵀ:
// dx = dout · weight, which kept gets too with KEEPS; then · activation'(other) with DERIVATIVE, or + other with HAS_OTHER, or
// with HAS_GATE · that of other, [B], for the row's sample;  dweight += doutᵀ · x, and with
// HAS_SUMS dbias[n] += Σ_r dout[r, n]
// dout: [R, N]; weight, dweight: [N, K]; x, dx: [R, K]; dbias: [N]; N and K are multiples of 4, and N is √(|dout|·|weight|/|x|),
// as in lib/matmul-sizes. With params.splits above 1 dweight and dbias get, instead of being added to, the sums over each range of rows,
// one after the other: [splits, N, K] and [splits, N].
// dx where z is 0, a range of dweight elsewhere. Tiles and the order of sums as in matmul/tile-32.
// Family of real GPUs, 256 threads, 16 KiB.
alias Value = vec4f;
#include "lib/activation"
override DERIVATIVE: bool;
override HAS_OTHER: bool;
override HAS_GATE: bool;
override KEEPS: bool;
override HAS_SUMS: bool;
@group(0) @binding(0) var<storage, read> dout: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dweight: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> dbias: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> kept: array<vec4f>;
#include "lib/matmul-column"
#include "lib/matmul-parts-tile"

// In Sizes a is 1 where dweight is computed, of a product doutᵀ · x, and 0 for dx, of dout · weight.
fn isWeight(s: Sizes) -> bool { return s.a == 1u; }

fn aStart(m: u32, s: Sizes) -> vec4u {
  let i = vec4u(0u, 1u, 2u, 3u);
  if (isWeight(s)) { return i * (s.M / 4u) + min(m, s.M - 4u) / 4u; }
  return min(m + i, vec4u(s.M - 1u)) * (s.K / 4u);
}

fn bStart(n: u32, s: Sizes) -> vec4u {
  return vec4u(0u, 1u, 2u, 3u) * (s.N / 4u) + min(n, s.N - 4u) / 4u;
}

fn aVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let at = start + select(k / 4u, k * (s.M / 4u), isWeight(s));
  return mat4x4f(dout[at.x], dout[at.y], dout[at.z], dout[at.w]);
}

fn bVectors(start: vec4u, k: u32, s: Sizes) -> mat4x4f {
  let at = start + k * (s.N / 4u);
  if (isWeight(s)) { return mat4x4f(x[at.x], x[at.y], x[at.z], x[at.w]); }
  return mat4x4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

// Zero past this part of K, which is a multiple of 4 for dx.
fn aTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f {
  if (isWeight(s)) { return transpose(withinPart(vectors, k, s)); }
  return vectors;
}
// Rows past K meet zeros of a.
fn bTurned(vectors: mat4x4f, k: u32, s: Sizes) -> mat4x4f { return vectors; }

fn biasOf(n: u32, s: Sizes) -> vec4f { return vec4f(); }

fn store(m: u32, n: u32, s: Sizes, values: vec4f) {
  if (m >= s.M || n >= s.N) { return; }
  let at = (m * s.N + n) / 4u;
  if (!isWeight(s)) {
    finish(at, m, s, values);
  } else if (params.splits == 1u) {
    dweight[at] += values;
  } else {
    dweight[s.part * (s.M * s.N / 4u) + at] = values;
  }
}

// Stores four values of a row of dx.
fn finish(at: u32, row: u32, s: Sizes, sum: vec4f) {
  var value = sum;
  if (KEEPS) { kept[at] = value; }
  if (HAS_GATE) { value *= other[row / (s.M / arrayLength(&other))]; }
  if (DERIVATIVE || HAS_OTHER) {
    let o = 4u * at % arrayLength(&other);
    let added = vec4f(other[o], other[o + 1u], other[o + 2u], other[o + 3u]);
    if (DERIVATIVE) { value *= activateDerivative(added); } else { value += added; }
  }
  dx[at] = value;
}

fn storeSums(m: u32, n: u32, s: Sizes, sums: vec4f) {
  if (!isWeight(s) || n > 0u || m >= s.M) { return; }
  if (params.splits == 1u) { dbias[m / 4u] += sums; } else { dbias[(s.part * s.M + m) / 4u] = sums; }
}

#narrow-subgroups
@compute @workgroup_size(8, 8, PARTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let N = 2u * u32(round(sqrt(f32(arrayLength(&dout)) * (f32(arrayLength(&weight)) / f32(arrayLength(&x))))));
  let R = 4u * arrayLength(&dout) / N;
  let K = 4u * arrayLength(&weight) / N;
  var s = Sizes(R, K, N, 0u, 0u, 0u, 0u, 0u, N);
  if (group.z > 0u) {
    let split = group.z - 1u;
    let range = rangeOf(split, R);
    s = Sizes(N, K, R, 1u, 0u, 0u, split, range.x, range.y);
  }
  let m0 = group.y * SIDE;
  if (m0 < s.M) { computeTile(m0, group.x * SIDE, local, s); }
}
