// The same as attention/softmax-backward-any where lines are multiples of 4, in vectors.
#include "lib/attention-scores-fours"
@group(0) @binding(3) var<storage, read> stats: array<f32>;
@group(0) @binding(4) var<storage, read_write> dp: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> drelPos: array<f32>;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let Nq = arrayLength(&stats) / (3u * params.heads * groups.z);
  if (id.x >= Nq) { return; }
  let row = rowAt(id.x, Nq, id.y, groups.y, id.z, groups.z);
  let lse = stats[row.all * 3u];
  let delta = stats[row.all * 3u + 1u];
  let weight = stats[row.all * 3u + 2u];
  let prefix = select(0u, params.prefix, weight > 0.0);
  for (var j = 0u; j < fours(params.prefix); j += 4u) {
    let at = (row.start + j) / 4u;
    let isThere = j + FOUR < vec4u(prefix);
    let p = select(vec4f(), weight * exp(scores[at] - lse), isThere);
    scores[at] = p;
    dp[at] = select(vec4f(), p * (dp[at] - delta), isThere);
  }
  let vectors = row.width / 4u;
  for (var y = 0u; y < row.lines; y++) {
    let line = lineOf(row, y);
    let begin = row.grid / 4u + y * vectors;
    var rel = columnsAt(row);
    var sum = vec4f();
    for (var at = begin; at < begin + vectors; at++) {
      let p = exp(scoresOf(at, line, rel) - lse);
      let ds = p * (dp[at] - delta);
      scores[at] = p;
      dp[at] = ds;
      sum += ds;
      rel += 4u;
    }
    if (HAS_REL) { drelPos[row.relAt + y] = (sum.x + sum.y) + (sum.z + sum.w); }
  }
  if (HAS_REL) {
    for (var x = 0u; x < row.width; x += 4u) {
      var sum = vec4f();
      for (var y = 0u; y < row.lines; y++) { sum += dp[(row.grid + y * row.width + x) / 4u]; }
      let at = row.relAt + row.lines + x;
      drelPos[at] = sum.x;
      drelPos[at + 1u] = sum.y;
      drelPos[at + 2u] = sum.z;
      drelPos[at + 3u] = sum.w;
    }
  }
}
