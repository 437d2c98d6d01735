// dq[m, n, h] = SCALE · Σ_j ds_j · k[m, j, h],  ds = p · (dout·v_j − delta),  p = w · exp(s − lse) recomputed as in forward.wgsl
// drelPos[m, h, n, r] = Σ ds over the columns of row r, drelPos[m, h, n, GRID_H + c] = Σ ds over those of column c
// q, dout, dq: [M, Nq, C]; k, v: [M, Nk, C]; relPos, drelPos: [M, HEADS, Nq, GRID_H+GRID_W]; stats: [M, HEADS, Nq, 3] = lse, delta, mass
// M = groups.z. One thread four queries of a head, four columns at a time; it alone writes and adds to their drelPos.
#include "lib/index"
#include "lib/attention"
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> relPos: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;
@group(0) @binding(7) var<storage, read_write> drelPos: array<f32>;

fn loadQ(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(q[i + c], q[i + c + 1u], q[i + c + 2u], q[i + c + 3u]), c);
}
fn loadK(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(k[i + c], k[i + c + 1u], k[i + c + 2u], k[i + c + 3u]), c);
}
fn loadV(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(v[i + c], v[i + c + 1u], v[i + c + 2u], v[i + c + 3u]), c);
}
fn loadDout(i: u32, c: u32) -> vec4f {
  return tail4(vec4f(dout[i + c], dout[i + c + 1u], dout[i + c + 2u], dout[i + c + 3u]), c);
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
  let n0 = i % blocks * 4u;
  let n = min(vec4u(n0) + vec4u(0u, 1u, 2u, 3u), vec4u(Nq - 1u));
  let qAt = (m * Nq + n) * C + head * D;
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let rowAt = (m * HEADS + head) * Nq + n;
  let relAt = rowAt * (rows + width);

  var acc: array<array<vec4f, MAX_D4>, 4>;
  let lse = vec4f(stats[rowAt.x * 3u], stats[rowAt.y * 3u], stats[rowAt.z * 3u], stats[rowAt.w * 3u]);
  let delta = vec4f(
    stats[rowAt.x * 3u + 1u], stats[rowAt.y * 3u + 1u], stats[rowAt.z * 3u + 1u], stats[rowAt.w * 3u + 1u]);
  let prefixWeight = stats[rowAt.x * 3u + 2u];
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
    var rowSum = vec4f();
    for (var t = 0u; t < length; t += 4u) {
      let column = min(vec4u(t) + vec4u(0u, 1u, 2u, 3u), vec4u(length - 1u));
      let at = (m * Nk + first + column) * C + head * D;
      var s0 = rowBias;
      var s1 = rowBias;
      var s2 = rowBias;
      var s3 = rowBias;
      var dp0 = -delta;
      var dp1 = -delta;
      var dp2 = -delta;
      var dp3 = -delta;
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
        let v0 = loadV(at.x, d * 4u);
        let v1 = loadV(at.y, d * 4u);
        let v2 = loadV(at.z, d * 4u);
        let v3 = loadV(at.w, d * 4u);
        let u0 = loadDout(qAt.x, d * 4u);
        let u1 = loadDout(qAt.y, d * 4u);
        let u2 = loadDout(qAt.z, d * 4u);
        let u3 = loadDout(qAt.w, d * 4u);
        dp0 += vec4f(dot(u0, v0), dot(u1, v0), dot(u2, v0), dot(u3, v0));
        dp1 += vec4f(dot(u0, v1), dot(u1, v1), dot(u2, v1), dot(u3, v1));
        dp2 += vec4f(dot(u0, v2), dot(u1, v2), dot(u2, v2), dot(u3, v2));
        dp3 += vec4f(dot(u0, v3), dot(u1, v3), dot(u2, v3), dot(u3, v3));
      }
      let r = relAt + rows;
      if (hasRel) {
        s0 += vec4f(relPos[r.x + column.x], relPos[r.y + column.x], relPos[r.z + column.x], relPos[r.w + column.x]);
        s1 += vec4f(relPos[r.x + column.y], relPos[r.y + column.y], relPos[r.z + column.y], relPos[r.w + column.y]);
        s2 += vec4f(relPos[r.x + column.z], relPos[r.y + column.z], relPos[r.z + column.z], relPos[r.w + column.z]);
        s3 += vec4f(relPos[r.x + column.w], relPos[r.y + column.w], relPos[r.z + column.w], relPos[r.w + column.w]);
      }
      let ds0 = weight * exp(s0 - lse) * dp0;
      let ds1 = select(vec4f(), weight * exp(s1 - lse) * dp1, t + 1u < length);
      let ds2 = select(vec4f(), weight * exp(s2 - lse) * dp2, t + 2u < length);
      let ds3 = select(vec4f(), weight * exp(s3 - lse) * dp3, t + 3u < length);
      if (hasRel) {
        rowSum += ds0 + ds1 + ds2 + ds3;
        let ds = array<vec4f, 4>(ds0, ds1, ds2, ds3);
        for (var j = 0u; j < min(4u, length - t); j++) {
          for (var query = 0u; query < min(4u, Nq - n0); query++) {
            let to = r[query] + t + j;
            var sum = ds[j][query];
            if (segment > 1u) { sum += drelPos[to]; }
            drelPos[to] = sum;
          }
        }
      }
      for (var d = 0u; d < D4; d++) {
        let k0 = loadK(at.x, d * 4u);
        let k1 = loadK(at.y, d * 4u);
        let k2 = loadK(at.z, d * 4u);
        let k3 = loadK(at.w, d * 4u);
        acc[0][d] += ds0.x * k0 + ds1.x * k1 + ds2.x * k2 + ds3.x * k3;
        acc[1][d] += ds0.y * k0 + ds1.y * k1 + ds2.y * k2 + ds3.y * k3;
        acc[2][d] += ds0.z * k0 + ds1.z * k1 + ds2.z * k2 + ds3.z * k3;
        acc[3][d] += ds0.w * k0 + ds1.w * k1 + ds2.w * k2 + ds3.w * k3;
      }
    }
    if (hasRel) {
      for (var query = 0u; query < min(4u, Nq - n0); query++) {
        drelPos[relAt[query] + segment - 1u] = rowSum[query];
      }
    }
  }
  for (var query = 0u; query < min(4u, Nq - n0); query++) {
    for (var d = 0u; d < D4; d++) {
      let value = acc[query][d] * SCALE;
      for (var c = 0u; c < 4u; c++) {
        if (d * 4u + c < D) { dq[qAt[query] + d * 4u + c] = value[c]; }
      }
    }
  }
}
