// What a product does with its sums before it stores them. All of it is off while K is split: then matmul/sum-splits
// does it. The including shader declares alias Value, f32 or vec4f; places and columns are counted in Values.
//   v = Σ (+ bias[n]);  kept = v with KEEPS;  then activation(v), or with DERIVATIVE v · activation'(other), or v as it
//   is with KIND 3;  (· gate of v's row) (+ other);  out = v, or with ADDS out += v.
// With HAS_SUMS the sums of op(a) along K go to kept instead, [M] (with a split K: [splits, M]).
override KEEPS: bool;
override DERIVATIVE: bool;
override HAS_GATE: bool;
override HAS_OTHER: bool;
override ADDS: bool;
override HAS_SUMS: bool;
@group(0) @binding(2) var<storage, read> bias: array<Value>;
@group(0) @binding(3) var<storage, read_write> out: array<Value>;
@group(0) @binding(4) var<storage, read> other: array<Value>;
@group(0) @binding(5) var<storage, read> gate: array<f32>;
@group(0) @binding(6) var<storage, read_write> kept: array<Value>;
#include "lib/activation"
#include "lib/matmul-column"

fn finish(i: u32, n: u32, sum: Value) {
  finishBiased(i, sum + biasAt(n));
}

fn biasAt(n: u32) -> Value { return select(Value(0.0), bias[n], params.hasBias != 0u); }

// As finish, of a sum with its bias, for shaders that look that up once for many rows.
fn finishBiased(i: u32, sum: Value) {
  var v = sum;
  if (KEEPS) { kept[i] = v; }
  if (DERIVATIVE) {
    v *= activateDerivative(other[i]);
  } else if (KIND < 3u) {
    v = activate(v);
  }
  if (HAS_GATE) { v *= gate[i / (arrayLength(&out) / arrayLength(&gate))]; }
  if (HAS_OTHER) { v += other[i % arrayLength(&other)]; }
  if (ADDS) { v += out[i]; }
  out[i] = v;
}

// Sums of op(a)'s rows, at their place in kept.
fn finishSums(i: u32, sums: Value) {
  if (ADDS) { kept[i] += sums; } else { kept[i] = sums; }
}
