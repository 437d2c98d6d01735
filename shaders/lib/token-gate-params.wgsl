// partial[s, c] = Σ_t g_t · u[t, c] for c < C, partial[s, C] = Σ_t g_t      over the tokens t of slice s
// g_t = dout[b]/tokens · open(1 − open). u: [T, C] over all samples; open: [T]; dout: [B]; partial: [S, C+1].
// The including shader declares alias Value, f32 or vec4f, `wide`, the values of one, and put(at, value), which stores
// them. One thread per slice and Value of a row, and one for the row's end; lib/reduce sums the slices.
#include "lib/index"
override C: u32;
@group(0) @binding(0) var<storage, read> u: array<Value>;
@group(0) @binding(1) var<storage, read> open: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
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
    var sum = Value();
    for (var t = first; t < end; t++) {
      let s = open[t];
      sum += dout[t / tokens] / f32(tokens) * s * (1.0 - s) * u[t * (C / wide) + c];
    }
    put(at, sum);
  } else {
    var sum = 0.0;
    for (var t = first; t < end; t++) {
      let s = open[t];
      sum += dout[t / tokens] / f32(tokens) * s * (1.0 - s);
    }
    partial[at] = sum;
  }
}
