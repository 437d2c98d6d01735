// scores[m, h, n, j] → p_j = w · exp(s_j − lse)
// s_j = scores[j] + relPos[n, row(j)] + relPos[n, GRID_H + col(j)] (or + bias[h, n, j]),  lse = log Σ_j w_j · exp(s_j)
// On the first prefix columns w = mass[m/windows] and relPos does not count; w is 1 on the others. Mass 0 skips the
// prefix.
// scores: [M, h, Nq, columns] (lib/attention-scores); k: [M, Nk, heads·d]; relPos: [M, heads, Nq, GRID_H+gridW];
// mass: [M/windows]; lse: [M, heads, Nq]
// One thread per row, with a running maximum and sum; the dispatch's y is h, its z is m.
#include "lib/attention-scores-any"
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
  for (var j = 0u; j < prefix; j++) {
    let s = scores[row.start + j];
    let next = max(best, s);
    total = total * exp(best - next) + weight * exp(s - next);
    best = next;
  }
  for (var y = 0u; y < row.lines; y++) {
    for (var x = 0u; x < row.width; x += 4u) {
      let s = scoresOf(row, y, x);
      let next = max(best, max(max(s.x, s.y), max(s.z, s.w)));
      let e = select(vec4f(), exp(s - next), x + FOUR < vec4u(row.width));
      total = total * exp(best - next) + ((e.x + e.y) + (e.z + e.w));
      best = next;
    }
  }
  let logSum = best + log(total);
  lse[row.all] = logSum;
  for (var j = 0u; j < prefix; j++) { scores[row.start + j] = weight * exp(scores[row.start + j] - logSum); }
  clear(row.start + prefix, row.grid);
  for (var y = 0u; y < row.lines; y++) {
    for (var x = 0u; x < row.width; x += 4u) {
      let p = exp(scoresOf(row, y, x) - logSum);
      let at = row.grid + y * row.width + x;
      scores[at] = p.x;
      if (x + 1u < row.width) { scores[at + 1u] = p.y; }
      if (x + 2u < row.width) { scores[at + 2u] = p.z; }
      if (x + 3u < row.width) { scores[at + 3u] = p.w; }
    }
  }
  clear(row.grid + row.lines * row.width, row.end);
}
