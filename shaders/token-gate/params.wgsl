// partial[s, c] = Σ_t g_t · u[t, c] for c < C, partial[s, C] = Σ_t g_t      over the tokens t of slice s
// g_t = dout[b]/tokens · open(1 − open). u: [T, C] over all samples; open: [T]; dout: [B]; partial: [S, C+1].
// One thread per slice and column; lib/reduce sums the slices.
#include "lib/index"
override C: u32;
@group(0) @binding(0) var<storage, read> u: array<f32>;
@group(0) @binding(1) var<storage, read> open: array<f32>;
@group(0) @binding(2) var<storage, read> dout: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let slices = arrayLength(&partial) / (C + 1u);
  let T = arrayLength(&open);
  let tokens = T / arrayLength(&dout);
  let each = (T + slices - 1u) / slices;
  let first = i / (C + 1u) * each;
  let c = i % (C + 1u);
  var sum = 0.0;
  for (var t = first; t < min(T, first + each); t++) {
    let s = open[t];
    var g = dout[t / tokens] / f32(tokens) * s * (1.0 - s);
    if (c < C) { g *= u[t * C + c]; }
    sum += g;
  }
  partial[i] = sum;
}
