// out[m, n, h] = Σ_j p_j · v[m, j, h],  p = w · exp(s − lse),  s_j = q·k_j · SCALE + relPos[n, row(j)] + relPos[n, GRID_H + col(j)]
// lse = log Σ_j w_j · exp(s_j);  w = mass[m/WINDOWS] and no relPos on the first PREFIX columns, 1 after; mass 0 skips them.
// q, out: [M, Nq, C]; k, v: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; mass: [M/WINDOWS]; lse: [M, HEADS, Nq]
// Workgroup (x, head, m) has 16 queries, a thread four, and runs over the columns with a running maximum and sum.
#include "lib/attention"
override HAS_MASS: bool;
override WINDOWS: u32;
@group(0) @binding(4) var<storage, read> mass: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

fn attend(group: vec3u, groups: vec3u, thread: u32) {
  let head = FIRST_HEAD + group.y;
  let m = group.z;
  let D4 = D / 4u;
  let Nq = arrayLength(&q) / (HEADS * D4 * groups.z);
  let Nk = arrayLength(&k) / (HEADS * D4 * groups.z);
  let n0 = group.x * 16u + thread * 4u;
  let n = min(n0 + FOUR, vec4u(Nq - 1u));
  let qAt = placesOf(m * Nq + n, head);
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let relAt = ((m * HEADS + head) * Nq + n) * (rows + width);

  var acc = array<mat4x4f, MAX_D4>();
  var best = vec4f(LOWEST);
  var total = vec4f();
  var prefixWeight = 1.0;
  if (HAS_MASS) { prefixWeight = mass[m / WINDOWS]; }
  for (var segment = select(1u, 0u, PREFIX > 0u && prefixWeight > 0.0); segment < 2u; segment++) {
    let isPrefix = segment == 0u;
    let weight = select(1.0, prefixWeight, isPrefix);
    let first = select(PREFIX, 0u, isPrefix);
    let length = select(Nk - PREFIX, PREFIX, isPrefix);
    for (var t = 0u; t < length; t += 16u) {
      let last = vec4u(length - 1u);
      let at0 = placesOf(m * Nk + first + min(t + FOUR, last), head);
      let at1 = placesOf(m * Nk + first + min(t + 4u + FOUR, last), head);
      let at2 = placesOf(m * Nk + first + min(t + 8u + FOUR, last), head);
      let at3 = placesOf(m * Nk + first + min(t + 12u + FOUR, last), head);
      var s0 = mat4x4f();
      var s1 = mat4x4f();
      var s2 = mat4x4f();
      var s3 = mat4x4f();
      for (var d = 0u; d < D4; d++) {
        let own = ownQ(qAt, d);
        s0 += transpose(sharedK(at0, d)) * own;
        if (t + 4u < length) { s1 += transpose(sharedK(at1, d)) * own; }
        if (t + 8u < length) { s2 += transpose(sharedK(at2, d)) * own; }
        if (t + 12u < length) { s3 += transpose(sharedK(at3, d)) * own; }
      }
      var scores = array<mat4x4f, 4>(s0, s1, s2, s3);
      var newBest = best;
      for (var b = 0u; b < 4u; b++) {
        let j = t + b * 4u + FOUR;
        for (var r = 0u; r < 4u; r++) {
          var s = scores[b][r] * SCALE;
          if (HAS_REL && !isPrefix) { s += bias(relAt[r], min(j, last), rows, width); }
          s = select(vec4f(LOWEST), s, j < vec4u(length));
          newBest[r] = max(newBest[r], max(max(s.x, s.y), max(s.z, s.w)));
          scores[b][r] = s;
        }
      }
      let keep = exp(best - newBest);
      best = newBest;
      total *= keep;
      for (var b = 0u; b < 4u; b++) {
        for (var r = 0u; r < 4u; r++) {
          let p = weight * exp(scores[b][r] - best[r]);
          total[r] += dot(p, vec4f(1.0));
          scores[b][r] = p;
        }
      }
      let p0 = scores[0];
      let p1 = scores[1];
      let p2 = scores[2];
      let p3 = scores[3];
      for (var d = 0u; d < D4; d++) {
        var sum = acc[d];
        sum = mat4x4f(sum[0] * keep.x, sum[1] * keep.y, sum[2] * keep.z, sum[3] * keep.w);
        sum += sharedV(at0, d) * p0;
        if (t + 4u < length) { sum += sharedV(at1, d) * p1; }
        if (t + 8u < length) { sum += sharedV(at2, d) * p2; }
        if (t + 12u < length) { sum += sharedV(at3, d) * p3; }
        acc[d] = sum;
      }
    }
  }
  let logSum = best + log(total);
  let scale = 1.0 / total;
  for (var d = 0u; d < D4; d++) {
    let sum = acc[d];
    if (n0 < Nq) { out[qAt.x + d] = sum[0] * scale.x; }
    if (n0 + 1u < Nq) { out[qAt.y + d] = sum[1] * scale.y; }
    if (n0 + 2u < Nq) { out[qAt.z + d] = sum[2] * scale.z; }
    if (n0 + 3u < Nq) { out[qAt.w + d] = sum[3] * scale.w; }
  }
  for (var r = 0u; r < 4u; r++) {
    if (n0 + r < Nq) { lse[(m * HEADS + head) * Nq + n0 + r] = logSum[r]; }
  }
}
