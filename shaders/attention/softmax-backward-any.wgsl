// scores[m, h, n, j] → p_j as in attention/softmax-any, from the saved lse;  dp[m, h, n, j] → ds_j = p_j · (dp_j − delta)
// drelPos[m, h, n, y] = Σ ds over the columns of line y, drelPos[m, h, n, GRID_H + x] = Σ ds over those of column x
// scores, dp: [M, h, Nq, columns] (lib/attention-scores); k: [M, Nk, heads·d];
// relPos, drelPos: [M, heads, Nq, GRID_H+gridW]; stats: [M, heads, Nq, 3] = lse, delta, mass
// One thread per row; the dispatch's y is h, its z is m.
#include "lib/attention-scores-any"
@group(0) @binding(3) var<storage, read> stats: array<f32>;
@group(0) @binding(4) var<storage, read_write> dp: array<f32>;
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
  for (var at = row.start; at < row.start + prefix; at++) {
    let p = weight * exp(scores[at] - lse);
    scores[at] = p;
    dp[at] = p * (dp[at] - delta);
  }
  clearBoth(row.start + prefix, row.grid);
  for (var y = 0u; y < row.lines; y++) {
    var sum = 0.0;
    for (var x = 0u; x < row.width; x += 4u) {
      let p = exp(scoresOf(row, y, x) - lse);
      let at = row.grid + y * row.width + x;
      let length = row.width - x;
      sum += put(at, p.x, delta);
      if (length > 1u) { sum += put(at + 1u, p.y, delta); }
      if (length > 2u) { sum += put(at + 2u, p.z, delta); }
      if (length > 3u) { sum += put(at + 3u, p.w, delta); }
    }
    if (HAS_REL) { drelPos[row.relAt + y] = sum; }
  }
  clearBoth(row.grid + row.lines * row.width, row.end);
  if (HAS_REL) {
    for (var x = 0u; x < row.width; x += 4u) {
      let column = row.grid + min(x + FOUR, vec4u(row.width - 1u));
      var sum = vec4f();
      for (var y = 0u; y < row.lines; y++) {
        let at = column + y * row.width;
        sum += vec4f(dp[at.x], dp[at.y], dp[at.z], dp[at.w]);
      }
      for (var i = 0u; i < min(4u, row.width - x); i++) { drelPos[row.relAt + row.lines + x + i] = sum[i]; }
    }
  }
}

// Writes p and ds of one column, and gives ds.
fn put(at: u32, p: f32, delta: f32) -> f32 {
  let ds = p * (dp[at] - delta);
  scores[at] = p;
  dp[at] = ds;
  return ds;
}

fn clearBoth(begin: u32, end: u32) {
  clear(begin, end);
  for (var at = begin; at < end; at++) { dp[at] = 0.0; }
}
