// dk[m, j, h] = SCALE · Σ_n ds · q[m, n, h],  dv[m, j, h] = Σ_n p · dout[m, n, h];  p and ds as in dq.wgsl
// q, dout: [M, Nq, C]; k, v, dk, dv: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; stats: [M, HEADS, Nq, 3] = lse, delta, mass
// M = groups.z. One thread four columns of a head (of the prefix or of the rest, never both), four queries at a time.
#include "lib/index"
#include "lib/attention"
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> relPos: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<f32>;
@group(0) @binding(7) var<storage, read_write> dv: array<f32>;

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
  let prefixBlocks = (PREFIX + 3u) / 4u;
  let blocks = prefixBlocks + (Nk - PREFIX + 3u) / 4u;
  let i = flatIndex(id, groups);
  if (i >= blocks * HEADS) { return; }
  let head = i / blocks;
  let block = i % blocks;
  let isPrefix = block < prefixBlocks;
  let first = select(PREFIX + (block - prefixBlocks) * 4u, block * 4u, isPrefix);
  let end = select(Nk, PREFIX, isPrefix);
  let column = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(end - 1u));
  let at = (m * Nk + column) * C + head * D;
  let hasRel = HAS_REL && !isPrefix;
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let gridRow = (column - PREFIX) / width;
  let gridColumn = (column - PREFIX) % width + rows;

  var accK: array<array<vec4f, MAX_D4>, 4>;
  var accV: array<array<vec4f, MAX_D4>, 4>;
  for (var n0 = 0u; n0 < Nq; n0 += 4u) {
    let n = min(vec4u(n0) + vec4u(0u, 1u, 2u, 3u), vec4u(Nq - 1u));
    let qAt = (m * Nq + n) * C + head * D;
    let rowAt = (m * HEADS + head) * Nq + n;
    var weight = 1.0;
    if (isPrefix) { weight = stats[rowAt.x * 3u + 2u]; }
    if (weight == 0.0) { break; }
    var s = array<vec4f, 4>();
    var dp = array<vec4f, 4>();
    for (var d = 0u; d < D4; d++) {
      let k0 = loadK(at.x, d * 4u) * SCALE;
      let k1 = loadK(at.y, d * 4u) * SCALE;
      let k2 = loadK(at.z, d * 4u) * SCALE;
      let k3 = loadK(at.w, d * 4u) * SCALE;
      let q0 = loadQ(qAt.x, d * 4u);
      let q1 = loadQ(qAt.y, d * 4u);
      let q2 = loadQ(qAt.z, d * 4u);
      let q3 = loadQ(qAt.w, d * 4u);
      s[0] += vec4f(dot(q0, k0), dot(q0, k1), dot(q0, k2), dot(q0, k3));
      s[1] += vec4f(dot(q1, k0), dot(q1, k1), dot(q1, k2), dot(q1, k3));
      s[2] += vec4f(dot(q2, k0), dot(q2, k1), dot(q2, k2), dot(q2, k3));
      s[3] += vec4f(dot(q3, k0), dot(q3, k1), dot(q3, k2), dot(q3, k3));
      let v0 = loadV(at.x, d * 4u);
      let v1 = loadV(at.y, d * 4u);
      let v2 = loadV(at.z, d * 4u);
      let v3 = loadV(at.w, d * 4u);
      let u0 = loadDout(qAt.x, d * 4u);
      let u1 = loadDout(qAt.y, d * 4u);
      let u2 = loadDout(qAt.z, d * 4u);
      let u3 = loadDout(qAt.w, d * 4u);
      dp[0] += vec4f(dot(u0, v0), dot(u0, v1), dot(u0, v2), dot(u0, v3));
      dp[1] += vec4f(dot(u1, v0), dot(u1, v1), dot(u1, v2), dot(u1, v3));
      dp[2] += vec4f(dot(u2, v0), dot(u2, v1), dot(u2, v2), dot(u2, v3));
      dp[3] += vec4f(dot(u3, v0), dot(u3, v1), dot(u3, v2), dot(u3, v3));
    }
    for (var r = 0u; r < 4u; r++) {
      if (hasRel) {
        let rel = rowAt[r] * (rows + width);
        let a = rel + gridRow;
        let b = rel + gridColumn;
        s[r] += vec4f(relPos[a.x], relPos[a.y], relPos[a.z], relPos[a.w])
          + vec4f(relPos[b.x], relPos[b.y], relPos[b.z], relPos[b.w]);
      }
      s[r] = select(vec4f(), weight * exp(s[r] - stats[rowAt[r] * 3u]), n0 + r < Nq);
      dp[r] = s[r] * (dp[r] - stats[rowAt[r] * 3u + 1u]);
    }
    for (var d = 0u; d < D4; d++) {
      let q0 = loadQ(qAt.x, d * 4u);
      let q1 = loadQ(qAt.y, d * 4u);
      let q2 = loadQ(qAt.z, d * 4u);
      let q3 = loadQ(qAt.w, d * 4u);
      let u0 = loadDout(qAt.x, d * 4u);
      let u1 = loadDout(qAt.y, d * 4u);
      let u2 = loadDout(qAt.z, d * 4u);
      let u3 = loadDout(qAt.w, d * 4u);
      accK[0][d] += dp[0].x * q0 + dp[1].x * q1 + dp[2].x * q2 + dp[3].x * q3;
      accK[1][d] += dp[0].y * q0 + dp[1].y * q1 + dp[2].y * q2 + dp[3].y * q3;
      accK[2][d] += dp[0].z * q0 + dp[1].z * q1 + dp[2].z * q2 + dp[3].z * q3;
      accK[3][d] += dp[0].w * q0 + dp[1].w * q1 + dp[2].w * q2 + dp[3].w * q3;
      accV[0][d] += s[0].x * u0 + s[1].x * u1 + s[2].x * u2 + s[3].x * u3;
      accV[1][d] += s[0].y * u0 + s[1].y * u1 + s[2].y * u2 + s[3].y * u3;
      accV[2][d] += s[0].z * u0 + s[1].z * u1 + s[2].z * u2 + s[3].z * u3;
      accV[3][d] += s[0].w * u0 + s[1].w * u1 + s[2].w * u2 + s[3].w * u3;
    }
  }
  for (var r = 0u; r < min(4u, end - first); r++) {
    for (var d = 0u; d < D4; d++) {
      let gradK = accK[r][d] * SCALE;
      let gradV = accV[r][d];
      for (var c = 0u; c < 4u; c++) {
        if (d * 4u + c < D) {
          dk[at[r] + d * 4u + c] = gradK[c];
          dv[at[r] + d * 4u + c] = gradV[c];
        }
      }
    }
  }
}
