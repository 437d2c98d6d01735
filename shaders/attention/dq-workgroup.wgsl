// dq[m, n, h] = SCALE · Σ_j ds_j · k[m, j, h]
// ds = p · (dout·v_j − delta),  p = w · exp(s − lse), recomputed as in forward
// drelPos[m, h, n, y] = Σ ds over the columns of row y, drelPos[m, h, n, GRID_H + x] = Σ ds over those of column x
// q, dout, dq: [M, Nq, C]; k, v: [M, Nk, C]; relPos, drelPos: [M, HEADS, Nq, GRID_H+GRID_W];
// stats: [M, HEADS, Nq, 3] = lse, delta, mass
// For real GPUs; see lib/attention-workgroup. With relPos SLICES is 1, so that one thread alone adds to its query's
// drelPos.
#include "lib/attention-workgroup"
#include "lib/attention-query"
@group(0) @binding(4) var<storage, read> dout: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> drelPos: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  #include "lib/attention-query-share"
  let lse = stats[row * 3u];
  let delta = stats[row * 3u + 1u];

  var query = array<vec4f, MAX_D4>();
  var upstream = array<vec4f, MAX_D4>();
  var acc = array<vec4f, MAX_D4>();
  for (var d = 0u; d < D4; d++) {
    query[d] = q[qAt + d] * SCALE;
    upstream[d] = dout[qAt + d];
  }
  let prefixWeight = stats[(m * HEADS + head) * Nq * 3u + 2u];
  for (var segment = select(1u, 0u, PREFIX > 0u && prefixWeight > 0.0); segment < 2u; segment++) {
    let isPrefix = segment == 0u;
    let weight = select(1.0, prefixWeight, isPrefix);
    let first = select(PREFIX, 0u, isPrefix);
    let length = select(Nk - PREFIX, PREFIX, isPrefix);
    var rowSum = 0.0;
    for (var t = 0u; t < length; t += 16u) {
      workgroupBarrier();
      loadKeys(m * Nk + first, t, length, head, thread);
      workgroupBarrier();
      for (var c = slice * 4u; c < 16u && t + c < length; c += SLICES * 4u) {
        let j = t + c + FOUR;
        var s = vec4f();
        var dp = vec4f(-delta);
        for (var d = 0u; d < D4; d++) {
          let own = query[d];
          let up = upstream[d];
          s += vec4f(
            dot(own, first16[c * D4 + d]),
            dot(own, first16[(c + 1u) * D4 + d]),
            dot(own, first16[(c + 2u) * D4 + d]),
            dot(own, first16[(c + 3u) * D4 + d]),
          );
          dp += vec4f(
            dot(up, second16[c * D4 + d]),
            dot(up, second16[(c + 1u) * D4 + d]),
            dot(up, second16[(c + 2u) * D4 + d]),
            dot(up, second16[(c + 3u) * D4 + d]),
          );
        }
        if ((HAS_REL || HAS_BIAS) && !isPrefix) { s += position(relAt, min(j, vec4u(length - 1u)), rows, width); }
        let ds = select(vec4f(), weight * exp(s - lse) * dp, j < vec4u(length));
        if (HAS_REL && !isPrefix && n0 < Nq) {
          for (var i = 0u; i < 4u; i++) {
            if (j[i] >= length) { break; }
            let y = j[i] / width;
            let x = j[i] % width;
            rowSum += ds[i];
            var sum = ds[i];
            if (y > 0u) { sum += drelPos[relAt + rows + x]; }
            drelPos[relAt + rows + x] = sum;
            if (x == width - 1u) {
              drelPos[relAt + y] = rowSum;
              rowSum = 0.0;
            }
          }
        }
        for (var d = 0u; d < D4; d++) {
          acc[d] += ds.x * first16[c * D4 + d] + ds.y * first16[(c + 1u) * D4 + d]
            + ds.z * first16[(c + 2u) * D4 + d] + ds.w * first16[(c + 3u) * D4 + d];
        }
      }
    }
  }
  for (var d = 0u; d < D4; d++) {
    let sum = sumOfSlices(acc[d], thread);
    if (slice == 0u && n0 < Nq) { dq[qAt + d] = sum * SCALE; }
  }
}
