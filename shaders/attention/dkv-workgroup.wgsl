// dk[m, j, h] = SCALE · Σ_n ds · q[m, n, h],  dv[m, j, h] = Σ_n p · dout[m, n, h]
// with p and ds as in attention/dq-workgroup
// q, dout: [M, Nq, C]; k, v, dk, dv: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W];
// stats: [M, HEADS, Nq, 3] = lse, delta, mass
// For real GPUs. A thread owns one column, of the prefix or of the rest, and sums over the queries; see
// lib/attention-workgroup.
#include "lib/attention-workgroup"
@group(0) @binding(4) var<storage, read> dout: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  #include "lib/attention-share"
  let prefixGroups = (PREFIX + owned - 1u) / owned;
  let isPrefix = group.x < prefixGroups;
  let end = select(Nk, PREFIX, isPrefix);
  let j0 = select(PREFIX + (group.x - prefixGroups) * owned, group.x * owned, isPrefix) + thread % owned;
  let j = min(j0, end - 1u);
  let kAt = placeOf(m * Nk + j, head);
  let width = select(Nk - PREFIX, GRID_W, HAS_REL);
  let rows = (Nk - PREFIX) / width;
  let firstRow = (m * HEADS + head) * Nq;
  var weight = 1.0;
  if (isPrefix) { weight = stats[firstRow * 3u + 2u]; }
  let length = select(Nq, 0u, weight == 0.0);

  var key = array<vec4f, MAX_D4>();
  var value = array<vec4f, MAX_D4>();
  var accK = array<vec4f, MAX_D4>();
  var accV = array<vec4f, MAX_D4>();
  for (var d = 0u; d < D4; d++) {
    key[d] = k[kAt + d] * SCALE;
    value[d] = v[kAt + d];
  }
  for (var t = 0u; t < length; t += 16u) {
    workgroupBarrier();
    for (var i = thread; i < 16u * D4; i += 64u) {
      let at = placeOf(m * Nq + min(t + i / D4, Nq - 1u), head) + i % D4;
      first16[i] = q[at];
      second16[i] = dout[at];
    }
    workgroupBarrier();
    for (var c = slice * 4u; c < 16u && t + c < length; c += SLICES * 4u) {
      let n = min(t + c + FOUR, vec4u(Nq - 1u));
      let row = firstRow + n;
      var s = vec4f();
      var dp = vec4f();
      for (var d = 0u; d < D4; d++) {
        let ownK = key[d];
        let ownV = value[d];
        s += vec4f(
          dot(ownK, first16[c * D4 + d]),
          dot(ownK, first16[(c + 1u) * D4 + d]),
          dot(ownK, first16[(c + 2u) * D4 + d]),
          dot(ownK, first16[(c + 3u) * D4 + d]),
        );
        dp += vec4f(
          dot(ownV, second16[c * D4 + d]),
          dot(ownV, second16[(c + 1u) * D4 + d]),
          dot(ownV, second16[(c + 2u) * D4 + d]),
          dot(ownV, second16[(c + 3u) * D4 + d]),
        );
      }
      if (HAS_REL && !isPrefix) {
        let y = row * (rows + width) + (j - PREFIX) / width;
        let x = row * (rows + width) + rows + (j - PREFIX) % width;
        s += vec4f(relPos[y.x], relPos[y.y], relPos[y.z], relPos[y.w])
          + vec4f(relPos[x.x], relPos[x.y], relPos[x.z], relPos[x.w]);
      }
      if (HAS_BIAS && !isPrefix) {
        let own = (head * Nq + n) * width + (j - PREFIX);
        s += vec4f(relPos[own.x], relPos[own.y], relPos[own.z], relPos[own.w]);
      }
      let lse = vec4f(stats[row.x * 3u], stats[row.y * 3u], stats[row.z * 3u], stats[row.w * 3u]);
      let delta = vec4f(stats[row.x * 3u + 1u], stats[row.y * 3u + 1u], stats[row.z * 3u + 1u], stats[row.w * 3u + 1u]);
      let p = select(vec4f(), weight * exp(s - lse), t + c + FOUR < vec4u(length));
      let ds = p * (dp - delta);
      for (var d = 0u; d < D4; d++) {
        accK[d] += ds.x * first16[c * D4 + d] + ds.y * first16[(c + 1u) * D4 + d]
          + ds.z * first16[(c + 2u) * D4 + d] + ds.w * first16[(c + 3u) * D4 + d];
        accV[d] += p.x * second16[c * D4 + d] + p.y * second16[(c + 1u) * D4 + d]
          + p.z * second16[(c + 2u) * D4 + d] + p.w * second16[(c + 3u) * D4 + d];
      }
    }
  }
  for (var d = 0u; d < D4; d++) {
    let sumK = sumOfSlices(accK[d], thread);
    let sumV = sumOfSlices(accV[d], thread);
    if (slice == 0u && j0 < end) {
      dk[kAt + d] = sumK * SCALE;
      dv[kAt + d] = sumV;
    }
  }
}
