// dq[m, n, h] = SCALE · Σ_j ds_j · k[m, j, h],  ds = p · (dout·v_j − delta),  p = w · exp(s − lse) recomputed as in forward
// drelPos[m, h, n, y] = Σ ds over the columns of row y, drelPos[m, h, n, GRID_H + x] = Σ ds over those of column x
// q, dout, dq: [M, Nq, C]; k, v: [M, Nk, C]; relPos, drelPos: [M, HEADS, Nq, GRID_H+GRID_W]; stats: [M, HEADS, Nq, 3] = lse, delta, mass
// Workgroup (x, head, m) has 16 queries, a thread four; it alone writes and adds to their drelPos.
#include "lib/attention"
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> drelPos: array<f32>;

fn queries(group: vec3u, groups: vec3u, thread: u32) {
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
  let statsAt = ((m * HEADS + head) * Nq + n) * 3u;
  let relAt = statsAt / 3u * (rows + width);
  let lse = vec4f(stats[statsAt.x], stats[statsAt.y], stats[statsAt.z], stats[statsAt.w]);
  let delta = vec4f(stats[statsAt.x + 1u], stats[statsAt.y + 1u], stats[statsAt.z + 1u], stats[statsAt.w + 1u]);

  var acc = array<mat4x4f, MAX_D4>();
  let prefixWeight = stats[(m * HEADS + head) * Nq * 3u + 2u];
  for (var segment = select(1u, 0u, PREFIX > 0u && prefixWeight > 0.0); segment < 2u; segment++) {
    let isPrefix = segment == 0u;
    let weight = select(1.0, prefixWeight, isPrefix);
    let first = select(PREFIX, 0u, isPrefix);
    let length = select(Nk - PREFIX, PREFIX, isPrefix);
    var rowSum = vec4f();
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
      var g0 = mat4x4f();
      var g1 = mat4x4f();
      var g2 = mat4x4f();
      var g3 = mat4x4f();
      for (var d = 0u; d < D4; d++) {
        let own = ownQ(qAt, d);
        let up = ownDout(qAt, d);
        s0 += transpose(sharedK(at0, d)) * own;
        g0 += transpose(sharedV(at0, d)) * up;
        if (t + 4u < length) {
          s1 += transpose(sharedK(at1, d)) * own;
          g1 += transpose(sharedV(at1, d)) * up;
        }
        if (t + 8u < length) {
          s2 += transpose(sharedK(at2, d)) * own;
          g2 += transpose(sharedV(at2, d)) * up;
        }
        if (t + 12u < length) {
          s3 += transpose(sharedK(at3, d)) * own;
          g3 += transpose(sharedV(at3, d)) * up;
        }
      }
      var scores = array<mat4x4f, 4>(s0, s1, s2, s3);
      var grads = array<mat4x4f, 4>(g0, g1, g2, g3);
      for (var b = 0u; b < 4u; b++) {
        let j = t + b * 4u + FOUR;
        for (var r = 0u; r < 4u; r++) {
          var s = scores[b][r] * SCALE;
          if (HAS_REL && !isPrefix) { s += bias(relAt[r], min(j, last), rows, width); }
          let ds = select(vec4f(), weight * exp(s - lse[r]) * (grads[b][r] - delta[r]), j < vec4u(length));
          grads[b][r] = ds;
          if (HAS_REL && !isPrefix && n0 + r < Nq) {
            for (var i = 0u; i < 4u; i++) {
              if (j[i] >= length) { break; }
              let y = j[i] / width;
              let x = j[i] % width;
              rowSum[r] += ds[i];
              var sum = ds[i];
              if (y > 0u) { sum += drelPos[relAt[r] + rows + x]; }
              drelPos[relAt[r] + rows + x] = sum;
              if (x == width - 1u) {
                drelPos[relAt[r] + y] = rowSum[r];
                rowSum[r] = 0.0;
              }
            }
          }
        }
      }
      let ds0 = grads[0];
      let ds1 = grads[1];
      let ds2 = grads[2];
      let ds3 = grads[3];
      for (var d = 0u; d < D4; d++) {
        var sum = acc[d] + sharedK(at0, d) * ds0;
        if (t + 4u < length) { sum += sharedK(at1, d) * ds1; }
        if (t + 8u < length) { sum += sharedK(at2, d) * ds2; }
        if (t + 12u < length) { sum += sharedK(at3, d) * ds3; }
        acc[d] = sum;
      }
    }
  }
  for (var d = 0u; d < D4; d++) {
    let sum = acc[d] * SCALE;
    if (n0 < Nq) { dq[qAt.x + d] = sum[0]; }
    if (n0 + 1u < Nq) { dq[qAt.y + d] = sum[1]; }
    if (n0 + 2u < Nq) { dq[qAt.z + d] = sum[2]; }
    if (n0 + 3u < Nq) { dq[qAt.w + d] = sum[3]; }
  }
}
