// dk[m, j, h] = SCALE · Σ_n ds · q[m, n, h],  dv[m, j, h] = Σ_n p · dout[m, n, h];  p and ds as in lib/attention-dq
// q, dout: [M, Nq, C]; k, v, dk, dv: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; stats: [M, HEADS, Nq, 3] = lse, delta, mass
// Workgroup (x, head, m) has 16 columns, of the prefix or of the rest, a thread four of them, and runs over the queries.
#include "lib/attention"
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;

fn keys(group: vec3u, groups: vec3u, thread: u32) {
  let head = FIRST_HEAD + group.y;
  let m = group.z;
  let D4 = D / 4u;
  let Nq = arrayLength(&q) / (HEADS * D4 * groups.z);
  let Nk = arrayLength(&k) / (HEADS * D4 * groups.z);
  let prefixGroups = (PREFIX + 15u) / 16u;
  let isPrefix = group.x < prefixGroups;
  let end = select(Nk, PREFIX, isPrefix);
  let j0 = select(PREFIX + (group.x - prefixGroups) * 16u, group.x * 16u, isPrefix) + thread * 4u;
  let j = min(j0 + FOUR, vec4u(end - 1u));
  let kAt = placesOf(m * Nk + j, head);
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  var weight = 1.0;
  if (isPrefix) { weight = stats[(m * HEADS + head) * Nq * 3u + 2u]; }
  let length = select(Nq, 0u, weight == 0.0);

  var accK = array<mat4x4f, MAX_D4>();
  var accV = array<mat4x4f, MAX_D4>();
  for (var t = 0u; t < length; t += 16u) {
    let last = vec4u(Nq - 1u);
    let at0 = placesOf(m * Nq + min(t + FOUR, last), head);
    let at1 = placesOf(m * Nq + min(t + 4u + FOUR, last), head);
    let at2 = placesOf(m * Nq + min(t + 8u + FOUR, last), head);
    let at3 = placesOf(m * Nq + min(t + 12u + FOUR, last), head);
    var s0 = mat4x4f();
    var s1 = mat4x4f();
    var s2 = mat4x4f();
    var s3 = mat4x4f();
    var g0 = mat4x4f();
    var g1 = mat4x4f();
    var g2 = mat4x4f();
    var g3 = mat4x4f();
    for (var d = 0u; d < D4; d++) {
      let key = ownK(kAt, d);
      let value = ownV(kAt, d);
      s0 += transpose(key) * sharedQ(at0, d);
      g0 += transpose(value) * sharedDout(at0, d);
      if (t + 4u < length) {
        s1 += transpose(key) * sharedQ(at1, d);
        g1 += transpose(value) * sharedDout(at1, d);
      }
      if (t + 8u < length) {
        s2 += transpose(key) * sharedQ(at2, d);
        g2 += transpose(value) * sharedDout(at2, d);
      }
      if (t + 12u < length) {
        s3 += transpose(key) * sharedQ(at3, d);
        g3 += transpose(value) * sharedDout(at3, d);
      }
    }
    var scores = array<mat4x4f, 4>(s0, s1, s2, s3);
    var grads = array<mat4x4f, 4>(g0, g1, g2, g3);
    for (var b = 0u; b < 4u; b++) {
      for (var i = 0u; i < 4u; i++) {
        let n = t + b * 4u + i;
        let row = (m * HEADS + head) * Nq + min(n, Nq - 1u);
        var s = scores[b][i] * SCALE;
        if (HAS_REL && !isPrefix) { s += bias(row * (rows + width), j - PREFIX, rows, width); }
        let p = select(vec4f(), weight * exp(s - stats[row * 3u]), n < length);
        scores[b][i] = p;
        grads[b][i] = p * (grads[b][i] - stats[row * 3u + 1u]);
      }
    }
    let p0 = transpose(scores[0]);
    let p1 = transpose(scores[1]);
    let p2 = transpose(scores[2]);
    let p3 = transpose(scores[3]);
    let ds0 = transpose(grads[0]);
    let ds1 = transpose(grads[1]);
    let ds2 = transpose(grads[2]);
    let ds3 = transpose(grads[3]);
    for (var d = 0u; d < D4; d++) {
      var sumK = accK[d] + sharedQ(at0, d) * ds0;
      var sumV = accV[d] + sharedDout(at0, d) * p0;
      if (t + 4u < length) {
        sumK += sharedQ(at1, d) * ds1;
        sumV += sharedDout(at1, d) * p1;
      }
      if (t + 8u < length) {
        sumK += sharedQ(at2, d) * ds2;
        sumV += sharedDout(at2, d) * p2;
      }
      if (t + 12u < length) {
        sumK += sharedQ(at3, d) * ds3;
        sumV += sharedDout(at3, d) * p3;
      }
      accK[d] = sumK;
      accV[d] = sumV;
    }
  }
  for (var d = 0u; d < D4; d++) {
    let sumK = accK[d] * SCALE;
    let sumV = accV[d];
    if (j0 < end) { dk[kAt.x + d] = sumK[0]; dv[kAt.x + d] = sumV[0]; }
    if (j0 + 1u < end) { dk[kAt.y + d] = sumK[1]; dv[kAt.y + d] = sumV[1]; }
    if (j0 + 2u < end) { dk[kAt.z + d] = sumK[2]; dv[kAt.z + d] = sumV[2]; }
    if (j0 + 3u < end) { dk[kAt.w + d] = sumK[3]; dv[kAt.w + d] = sumV[3]; }
  }
}
