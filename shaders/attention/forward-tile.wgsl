// out[m, n, h] = Σ_j p_j · v[m, j, h],  p = w · exp(s − lse)
// s_j = q·k_j · SCALE + relPos[n, row(j)] + relPos[n, GRID_H + col(j)] (or + bias[h, n, j]),  lse = log Σ_j w_j · exp(s_j)
// On the first PREFIX columns w = mass[m/WINDOWS] and relPos does not count; w is 1 on the others. Mass 0 skips the
// prefix.
// q, out: [M, Nq, C]; k, v: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W]; mass: [M/WINDOWS]; lse: [M, HEADS, Nq]
// For real GPUs; see lib/attention-tile. Goes over the tiles of keys with a running maximum of every query, and a
// running sum of every thread.
#include "lib/attention-columns"
override HAS_MASS: bool;
override WINDOWS: u32;
@group(0) @binding(4) var<storage, read> mass: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> lse: array<f32>;
// Stands for −∞ in the running maximum; WGSL promises nothing about infinities.
const LOWEST = -3e38;

// The queries' sums so far by their weights, and the tile's columns.
fn addValues(sums: mat4x4f, keep: vec4f, keys: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  workgroupBarrier();
  putMet(valuesAt(keys, chunk, thread), thread);
  workgroupBarrier();
  let kept = mat4x4f(sums[0] * keep.x, sums[1] * keep.y, sums[2] * keep.z, sums[3] * keep.w);
  return addProducts(kept, thread);
}

fn store(sums: mat4x4f, total: vec4f, g: Grid, chunk: u32, thread: u32) {
  let n = g.n + thread / 8u * 4u;
  storeRow(sums[0] / total.x, g, n, chunk, thread);
  storeRow(sums[1] / total.y, g, n + 1u, chunk, thread);
  storeRow(sums[2] / total.z, g, n + 2u, chunk, thread);
  storeRow(sums[3] / total.w, g, n + 3u, chunk, thread);
}

fn storeRow(values: vec4f, g: Grid, n: u32, chunk: u32, thread: u32) {
  let i = thread % 8u;
  if (i < vectorsOf(chunk) && n < g.Nq) { out[featuresOf(g.queries + n, g.head) + 8u * chunk + i] = values; }
}

#narrow-subgroups
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let g = gridOf(group, groups);
  let queries = queryPlaces(g, thread);
  var prefixWeight = 1.0;
  if (HAS_MASS) { prefixWeight = mass[group.z / WINDOWS]; }
  var best = vec4f(LOWEST);
  var total = vec4f();
  var sums0 = mat4x4f();
  var sums1 = mat4x4f();
  var sums2 = mat4x4f();
  var inLine = mat4x4f();
  for (var index = select(g.prefixTiles, 0u, prefixWeight > 0.0); index < g.tiles; index++) {
    let tile = tileAt(g, index);
    let keys = keyPlaces(g, tile, thread);
    if (HAS_REL && !tile.isPrefix && tile.y == 0u) { inLine = positionsInLine(g, tile, thread); }
    var s = positioned(productsOfKeys(queries, keys, thread), inLine, g, tile, thread);
    s = masked(s, g, tile, LOWEST, thread);
    exchange[thread] = max(max(s[0], s[1]), max(s[2], s[3]));
    workgroupBarrier();
    var next = best;
    for (var i = 0u; i < 8u; i++) { next = max(next, exchange[thread / 8u * 8u + i]); }
    let keep = exp(best - next);
    best = next;
    let weight = select(1.0, prefixWeight, tile.isPrefix);
    let p = masked(
      weight * mat4x4f(exp(s[0] - next), exp(s[1] - next), exp(s[2] - next), exp(s[3] - next)),
      g,
      tile,
      0.0,
      thread,
    );
    total = total * keep + ((p[0] + p[1]) + (p[2] + p[3]));
    putWeights(p, thread);
    sums0 = addValues(sums0, keep, keys, 0u, thread);
    if (D > 32u) { sums1 = addValues(sums1, keep, keys, 1u, thread); }
    if (D > 64u) { sums2 = addValues(sums2, keep, keys, 2u, thread); }
  }
  total = sumOfRows(total, thread);
  store(sums0, total, g, 0u, thread);
  if (D > 32u) { store(sums1, total, g, 1u, thread); }
  if (D > 64u) { store(sums2, total, g, 2u, thread); }
  let rows = rowsOf(g, thread);
  for (var i = 0u; i < 4u; i++) {
    if (thread % 8u == 0u && g.n + thread / 8u * 4u + i < g.Nq) { lse[rows[i]] = best[i] + log(total[i]); }
  }
}
