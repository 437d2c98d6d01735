// partial[m, h, n] = Σ_j exp(s_j − lse) · (dout·v_j − delta) over the PREFIX columns j, with s_j = q·k_j · SCALE.
// Nothing is divided by mass, so the gradient is finite at mass 0.
// q, dout: [M, Nq, C]; k, v: [M, Nk, C]; stats: [M, HEADS, Nq, 3] = lse, delta, mass; partial: [M, HEADS, Nq]
// One thread per query and head; lib/reduce sums what they write.
#include "lib/index"
override HEADS: u32;
override D: u32;
override PREFIX: u32;
override NQ: u32;
override NK: u32;
override SCALE: f32;
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> stats: array<f32>;
@group(0) @binding(5) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flatIndex(id, groups);
  if (i >= arrayLength(&partial)) { return; }
  let n = i % NQ;
  let head = i / NQ % HEADS;
  let m = i / (NQ * HEADS);
  let qAt = ((m * NQ + n) * HEADS + head) * D;
  var sum = 0.0;
  for (var j = 0u; j < PREFIX; j++) {
    let at = ((m * NK + j) * HEADS + head) * D;
    var s = 0.0;
    var dp = 0.0;
    for (var d = 0u; d < D; d++) {
      s += q[qAt + d] * k[at + d];
      dp += dout[qAt + d] * v[at + d];
    }
    sum += exp(s * SCALE - stats[i * 3u]) * (dp - stats[i * 3u + 1u]);
  }
  partial[i] = sum;
}
