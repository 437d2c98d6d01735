// partial[s, c] = Σ_t g_t · u[t, c] for c < C, partial[s, C] = Σ_t g_t      over the tokens t of slice s
// g_t = dout[b]/tokens · open(1 − open). u: [T, C] over all samples; open: [T]; dout: [B]; partial: [S, C+1].
// The including shader declares alias Value, f32 or vec4f, `wide`, the values of one, and put(at, value), which stores
// them with putOne(at, value). One thread per slice and Value of a row, and one for the row's end; lib/reduce sums the
// slices. Where the dispatch's z is 1: the same of open2 and dout2, to partial2.
#include "lib/index"
override C: u32;
@group(0) @binding(0) var<storage, read> u: array<Value>;
@group(0) @binding(1) var<storage, read> open: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<storage, read> open2: array<f32>;
@group(0) @binding(5) var<storage, read> dout2: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial2: array<f32>;
var<private> isSecond: bool;

fn putOne(at: u32, value: f32) {
  if (isSecond) { partial2[at] = value; } else { partial[at] = value; }
}

// g_t
fn gradientOf(t: u32, tokens: u32) -> f32 {
  if (isSecond) { return dout2[t / tokens] / f32(tokens) * open2[t] * (1.0 - open2[t]); }
  return dout[t / tokens] / f32(tokens) * open[t] * (1.0 - open[t]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  isSecond = id.z == 1u;
  let i = flatIndex(id, groups);
  let across = C / wide + 1u;
  let slices = arrayLength(&partial) / (C + 1u);
  if (i >= slices * across) { return; }
  let T = arrayLength(&open);
  let tokens = T / arrayLength(&dout);
  let each = (T + slices - 1u) / slices;
  let first = i / across * each;
  let c = i % across;
  let end = min(T, first + each);
  let at = i / across * (C + 1u) + c * wide;
  if (c < C / wide) {
    var sum = Value(0.0);
    for (var t = first; t < end; t++) { sum += gradientOf(t, tokens) * u[t * (C / wide) + c]; }
    put(at, sum);
  } else {
    var sum = 0.0;
    for (var t = first; t < end; t++) { sum += gradientOf(t, tokens); }
    putOne(at, sum);
  }
}
