// The same as attention/softmax-any where lines are multiples of 4, in vectors.
#include "lib/attention-scores-fours"
override HAS_MASS: bool;
@group(0) @binding(3) var<storage, read> mass: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
// Stands for −∞ in the running maximum; WGSL promises nothing about infinities.
const LOWEST = -3e38;

@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let Nq = arrayLength(&lse) / (params.heads * groups.z);
  if (id.x >= Nq) { return; }
  let row = rowAt(id.x, Nq, id.y, groups.y, id.z, groups.z);
  var weight = 1.0;
  if (HAS_MASS) { weight = mass[id.z / params.windows]; }
  let prefix = select(0u, params.prefix, weight > 0.0);
  // The largest score so far, and Σ w · exp(s − largest).
  var best = LOWEST;
  var total = 0.0;
  for (var j = 0u; j < prefix; j += 4u) {
    let isThere = j + FOUR < vec4u(params.prefix);
    let s = select(vec4f(LOWEST), scores[(row.start + j) / 4u], isThere);
    let next = max(best, max(max(s.x, s.y), max(s.z, s.w)));
    let e = select(vec4f(), exp(s - next), isThere);
    total = total * exp(best - next) + weight * ((e.x + e.y) + (e.z + e.w));
    best = next;
  }
  let vectors = row.width / 4u;
  for (var y = 0u; y < row.lines; y++) {
    let line = lineOf(row, y);
    let begin = row.grid / 4u + y * vectors;
    var rel = columnsAt(row);
    for (var at = begin; at < begin + vectors; at++) {
      let s = scoresOf(at, line, rel);
      let next = max(best, max(max(s.x, s.y), max(s.z, s.w)));
      let e = exp(s - next);
      total = total * exp(best - next) + ((e.x + e.y) + (e.z + e.w));
      best = next;
      rel += 4u;
    }
  }
  let logSum = best + log(total);
  lse[row.all] = logSum;
  for (var j = 0u; j < fours(params.prefix); j += 4u) {
    let at = (row.start + j) / 4u;
    scores[at] = select(vec4f(), weight * exp(scores[at] - logSum), j + FOUR < vec4u(prefix));
  }
  for (var y = 0u; y < row.lines; y++) {
    let line = lineOf(row, y);
    let begin = row.grid / 4u + y * vectors;
    var rel = columnsAt(row);
    for (var at = begin; at < begin + vectors; at++) {
      scores[at] = exp(scoresOf(at, line, rel) - logSum);
      rel += 4u;
    }
  }
}
