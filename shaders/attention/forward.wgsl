// out[m, n, h] = Σ_j p_j · v[m, j, h],  p = w · exp(s − lse),  s_j = q·k_j · SCALE + relPos[n, row(j)] + relPos[n, GRID_H + col(j)]
// lse = log Σ_j w_j · exp(s_j);  w = mass[m/WINDOWS] and no relPos on the first PREFIX columns, 1 after; mass 0 skips them.
// q, out: [M, Nq, C]; k, v: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; mass: [M/WINDOWS]; lse: [M, HEADS, Nq]. M = groups.z
// One thread four queries of a head, four columns at a time, running maximum and sum; registers only.
#include "lib/index"
#include "lib/attention"
override HAS_MASS: bool;
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> relPos: array<f32>;
@group(0) @binding(4) var<storage, read> mass: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;

fn loadQ(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(q[i + c], q[i + c + 1u], q[i + c + 2u], q[i + c + 3u]), c);
}
fn loadK(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(k[i + c], k[i + c + 1u], k[i + c + 2u], k[i + c + 3u]), c);
}
fn loadV(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(v[i + c], v[i + c + 1u], v[i + c + 2u], v[i + c + 3u]), c);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let m = id.z;
  let Nq = arrayLength(&q) / (C * groups.z);
  let Nk = arrayLength(&k) / (C * groups.z);
  let blocks = (Nq + 3u) / 4u;
  let i = flatIndex(id, groups);
  if (i >= blocks * HEADS) { return; }
  let head = i / blocks;
  let n = min(vec4u(i % blocks * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(Nq - 1u));
  let qAt = (m * Nq + n) * C + head * D;
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let relAt = ((m * HEADS + head) * Nq + n) * (rows + width);

  var acc: array<array<vec4f, MAX_D4>, 4>;
  var best = vec4f(LOWEST);
  var total = vec4f();
  var prefixWeight = 1.0;
  if (HAS_MASS) { prefixWeight = mass[m / WINDOWS]; }
  for (var segment = select(1u, 0u, PREFIX > 0u && prefixWeight > 0.0); segment <= rows; segment++) {
    let isPrefix = segment == 0u;
    let weight = select(1.0, prefixWeight, isPrefix);
    let first = select(PREFIX + (segment - 1u) * width, 0u, isPrefix);
    let length = select(width, PREFIX, isPrefix);
    let hasRel = HAS_REL && !isPrefix;
    var rowBias = vec4f();
    if (hasRel) {
      let at = relAt + segment - 1u;
      rowBias = vec4f(relPos[at.x], relPos[at.y], relPos[at.z], relPos[at.w]);
    }
    for (var t = 0u; t < length; t += 4u) {
      let column = min(vec4u(t) + vec4u(0u, 1u, 2u, 3u), vec4u(length - 1u));
      let at = (m * Nk + first + column) * C + head * D;
      var s0 = rowBias;
      var s1 = rowBias;
      var s2 = rowBias;
      var s3 = rowBias;
      for (var d = 0u; d < D4; d++) {
        let k0 = loadK(at.x, d * 4u);
        let k1 = loadK(at.y, d * 4u);
        let k2 = loadK(at.z, d * 4u);
        let k3 = loadK(at.w, d * 4u);
        let q0 = loadQ(qAt.x, d * 4u) * SCALE;
        let q1 = loadQ(qAt.y, d * 4u) * SCALE;
        let q2 = loadQ(qAt.z, d * 4u) * SCALE;
        let q3 = loadQ(qAt.w, d * 4u) * SCALE;
        s0 += vec4f(dot(q0, k0), dot(q1, k0), dot(q2, k0), dot(q3, k0));
        s1 += vec4f(dot(q0, k1), dot(q1, k1), dot(q2, k1), dot(q3, k1));
        s2 += vec4f(dot(q0, k2), dot(q1, k2), dot(q2, k2), dot(q3, k2));
        s3 += vec4f(dot(q0, k3), dot(q1, k3), dot(q2, k3), dot(q3, k3));
      }
      if (hasRel) {
        let r = relAt + rows;
        s0 += vec4f(relPos[r.x + column.x], relPos[r.y + column.x], relPos[r.z + column.x], relPos[r.w + column.x]);
        s1 += vec4f(relPos[r.x + column.y], relPos[r.y + column.y], relPos[r.z + column.y], relPos[r.w + column.y]);
        s2 += vec4f(relPos[r.x + column.z], relPos[r.y + column.z], relPos[r.z + column.z], relPos[r.w + column.z]);
        s3 += vec4f(relPos[r.x + column.w], relPos[r.y + column.w], relPos[r.z + column.w], relPos[r.w + column.w]);
      }
      s1 = select(vec4f(LOWEST), s1, t + 1u < length);
      s2 = select(vec4f(LOWEST), s2, t + 2u < length);
      s3 = select(vec4f(LOWEST), s3, t + 3u < length);
      let newBest = max(max(best, max(s0, s1)), max(s2, s3));
      let keep = exp(best - newBest);
      let p0 = weight * exp(s0 - newBest);
      let p1 = weight * exp(s1 - newBest);
      let p2 = weight * exp(s2 - newBest);
      let p3 = weight * exp(s3 - newBest);
      best = newBest;
      total = total * keep + p0 + p1 + p2 + p3;
      for (var d = 0u; d < D4; d++) {
        let v0 = loadV(at.x, d * 4u);
        let v1 = loadV(at.y, d * 4u);
        let v2 = loadV(at.z, d * 4u);
        let v3 = loadV(at.w, d * 4u);
        acc[0][d] = acc[0][d] * keep.x + p0.x * v0 + p1.x * v1 + p2.x * v2 + p3.x * v3;
        acc[1][d] = acc[1][d] * keep.y + p0.y * v0 + p1.y * v1 + p2.y * v2 + p3.y * v3;
        acc[2][d] = acc[2][d] * keep.z + p0.z * v0 + p1.z * v1 + p2.z * v2 + p3.z * v3;
        acc[3][d] = acc[3][d] * keep.w + p0.w * v0 + p1.w * v1 + p2.w * v2 + p3.w * v3;
      }
    }
  }
  let logSum = best + log(total);
  for (var r = 0u; r < 4u; r++) {
    if (i % blocks * 4u + r >= Nq) { break; }
    for (var d = 0u; d < D4; d++) {
      let value = acc[r][d] / total[r];
      for (var c = 0u; c < 4u; c++) {
        if (d * 4u + c < D) { out[qAt[r] + d * 4u + c] = value[c]; }
      }
    }
    lse[(m * HEADS + head) * Nq + n[r]] = logSum[r];
  }
}
