// out[m, n, h] = Σ_j p_j · v[m, j, h],  p = w · exp(s − lse)
// s_j = q·k_j · SCALE + relPos[n, row(j)] + relPos[n, GRID_H + col(j)] (or + bias[h, n, j]),  lse = log Σ_j w_j · exp(s_j)
// On the first PREFIX columns w = mass[m/WINDOWS] and relPos does not count; w is 1 on the others. Mass 0 skips the
// prefix.
// q, out: [M, Nq, C]; k, v: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; mass: [M/WINDOWS]; lse: [M, HEADS, Nq]
// For real GPUs; see lib/attention-workgroup. A thread goes over its columns with a running maximum and sum; the
// slices of a query are merged at the end.
#include "lib/attention-workgroup"
#include "lib/attention-query"
override HAS_MASS: bool;
override WINDOWS: u32;
@group(0) @binding(4) var<storage, read> mass: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  #include "lib/attention-query-share"

  var query = array<vec4f, MAX_D4>();
  var acc = array<vec4f, MAX_D4>();
  for (var d = 0u; d < D4; d++) { query[d] = q[qAt + d] * SCALE; }
  var best = LOWEST;
  var total = 0.0;
  var prefixWeight = 1.0;
  if (HAS_MASS) { prefixWeight = mass[m / WINDOWS]; }
  for (var segment = select(1u, 0u, PREFIX > 0u && prefixWeight > 0.0); segment < 2u; segment++) {
    let isPrefix = segment == 0u;
    let weight = select(1.0, prefixWeight, isPrefix);
    let first = select(PREFIX, 0u, isPrefix);
    let length = select(Nk - PREFIX, PREFIX, isPrefix);
    for (var t = 0u; t < length; t += 16u) {
      workgroupBarrier();
      loadKeys(m * Nk + first, t, length, head, thread);
      workgroupBarrier();
      for (var c = slice * 4u; c < 16u && t + c < length; c += SLICES * 4u) {
        let j = t + c + FOUR;
        var s = vec4f();
        for (var d = 0u; d < D4; d++) {
          let own = query[d];
          s += vec4f(
            dot(own, first16[c * D4 + d]),
            dot(own, first16[(c + 1u) * D4 + d]),
            dot(own, first16[(c + 2u) * D4 + d]),
            dot(own, first16[(c + 3u) * D4 + d]),
          );
        }
        if ((HAS_REL || HAS_BIAS) && !isPrefix) { s += position(relAt, min(j, vec4u(length - 1u)), rows, width); }
        s = select(vec4f(LOWEST), s, j < vec4u(length));
        let newBest = max(best, max(max(s.x, s.y), max(s.z, s.w)));
        let keep = exp(best - newBest);
        let p = weight * exp(s - newBest);
        best = newBest;
        total = total * keep + dot(p, vec4f(1.0));
        for (var d = 0u; d < D4; d++) {
          acc[d] = acc[d] * keep + p.x * second16[c * D4 + d] + p.y * second16[(c + 1u) * D4 + d]
            + p.z * second16[(c + 2u) * D4 + d] + p.w * second16[(c + 3u) * D4 + d];
        }
      }
    }
  }
  var keep = 1.0;
  if (SLICES > 1u) {
    parts[thread] = vec4f(best);
    workgroupBarrier();
    var most = LOWEST;
    for (var other = thread % owned; other < 64u; other += owned) { most = max(most, parts[other].x); }
    keep = exp(best - most);
    best = most;
    total = sumOfSlices(vec4f(total * keep), thread).x;
  }
  let writes = slice == 0u && n0 < Nq;
  for (var d = 0u; d < D4; d++) {
    let sum = sumOfSlices(acc[d] * keep, thread);
    if (writes) { out[qAt + d] = sum / total; }
  }
  if (writes) { lse[row] = best + log(total); }
}
