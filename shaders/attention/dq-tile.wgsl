// dq[m, n, h] = SCALE · Σ_j ds_j · k[m, j, h]
// ds = p · (dout·v_j − delta),  p = w · exp(s − lse), recomputed as in forward
// drelPos[m, h, n, y] = Σ ds over the columns of line y, drelPos[m, h, n, GRID_H + x] = Σ ds over those at place x
// q, dout, dq: [M, Nq, C]; k, v: [M, Nk, C]; relPos, drelPos: [M, HEADS, Nq, GRID_H+GRID_W];
// stats: [M, HEADS, Nq, 3] = lse, delta, mass
// For real GPUs; see lib/attention-tile. The sums over lines stay in registers over the tiles of a part of the lines.
// With OWN_STATS, where there is neither position nor mass: relPos is the forward's out, stats is lse [M, HEADS, Nq], and
// drelPos gets the stats, for dkv-tile.
#include "lib/attention-columns"
override OWN_STATS: bool;
@group(0) @binding(4) var<storage, read> dout: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> drelPos: array<f32>;

fn doutAt(places: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  if (!isLoaded(chunk, thread)) { return mat4x4f(); }
  let at = places + 8u * chunk;
  return mat4x4f(dout[at.x], dout[at.y], dout[at.z], dout[at.w]);
}

// dout·v of a tile.
fn productsOfValues(queries: vec4u, keys: vec4u, thread: u32) -> mat4x4f {
  var dp = mat4x4f();
  for (var chunk = 0u; chunk < chunks(); chunk++) {
    workgroupBarrier();
    putOwn(doutAt(queries, chunk, thread), thread);
    putMet(valuesAt(keys, chunk, thread), thread);
    workgroupBarrier();
    dp = addScores(dp, vectorsOf(chunk), thread);
  }
  return dp;
}

fn addKeys(sums: mat4x4f, keys: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  workgroupBarrier();
  putMet(keysAt(keys, chunk, thread), thread);
  workgroupBarrier();
  return addProducts(sums, thread);
}

fn statsAt(rows: vec4u, i: u32) -> vec4f {
  let at = 3u * rows + i;
  return vec4f(stats[at.x], stats[at.y], stats[at.z], stats[at.w]);
}

fn outAt(at: u32) -> vec4f {
  return vec4f(relPos[4u * at], relPos[4u * at + 1u], relPos[4u * at + 2u], relPos[4u * at + 3u]);
}

// Σ dout · out of the thread's four queries.
fn ownDelta(g: Grid, thread: u32) -> vec4f {
  var sum = vec4f();
  for (var i = thread % 8u; i < D / 4u; i += 8u) {
    let a = featuresOf(g.queries + queryAt(g, thread, 0u), g.head) + i;
    let b = featuresOf(g.queries + queryAt(g, thread, 1u), g.head) + i;
    let c = featuresOf(g.queries + queryAt(g, thread, 2u), g.head) + i;
    let d = featuresOf(g.queries + queryAt(g, thread, 3u), g.head) + i;
    sum += vec4f(dot(dout[a], outAt(a)), dot(dout[b], outAt(b)), dot(dout[c], outAt(c)), dot(dout[d], outAt(d)));
  }
  return sumOfRows(sum, thread);
}

// Gives dkv-tile what it needs of the thread's queries.
fn putStats(rows: vec4u, lse: vec4f, delta: vec4f, g: Grid, thread: u32) {
  if (thread % 8u != 0u) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (g.n + thread / 8u * 4u + i >= g.Nq) { return; }
    drelPos[3u * rows[i]] = lse[i];
    drelPos[3u * rows[i] + 1u] = delta[i];
    drelPos[3u * rows[i] + 2u] = 1.0;
  }
}

// Adds four queries' sums to drelPos, or begins them; `o` counts own rows by fours.
fn putRelPos(sums: vec4f, begins: bool, g: Grid, o: u32, place: u32) {
  let first = (g.queries / g.Nq * HEADS + g.head) * g.Nq;
  for (var i = 0u; i < 4u; i++) {
    let n = g.n + 4u * o + i;
    if (n >= g.Nq) { continue; }
    let at = (first + n) * (g.lines + g.width) + place;
    var sum = sums[i];
    if (!begins) { sum += drelPos[at]; }
    drelPos[at] = sum;
  }
}

// Sums over the places of every line of a tile; `weights` holds ds.
fn putLines(g: Grid, tile: Tile, thread: u32) {
  for (var i = thread; i < 8u * down(); i += 64u) {
    let line = i / 8u;
    if (tile.y + line >= g.lines) { continue; }
    var sum = vec4f();
    for (var x = 0u; x < across(); x++) { sum += weightsOf(line * across() + x, i % 8u); }
    // Parts of one line come one after the other, to the same thread.
    putRelPos(sum, tile.x == 0u, g, i % 8u, tile.y + line);
  }
}

// Sums over the lines at every place of a part of the lines; `weights` holds what threads have summed of them.
fn putPlaces(g: Grid, tile: Tile, thread: u32) {
  for (var i = thread; i < 8u * across(); i += 64u) {
    let x = i / 8u;
    if (tile.x + x >= g.width) { continue; }
    var sum = vec4f();
    for (var line = 0u; line < down(); line++) { sum += weightsOf(line * across() + x, i % 8u); }
    putRelPos(sum, true, g, i % 8u, g.lines + tile.x + x);
  }
}

fn store(sums: mat4x4f, g: Grid, chunk: u32, thread: u32) {
  let n = g.n + thread / 8u * 4u;
  storeRow(sums[0], g, n, chunk, thread);
  storeRow(sums[1], g, n + 1u, chunk, thread);
  storeRow(sums[2], g, n + 2u, chunk, thread);
  storeRow(sums[3], g, n + 3u, chunk, thread);
}

fn storeRow(sum: vec4f, g: Grid, n: u32, chunk: u32, thread: u32) {
  let i = thread % 8u;
  if (i < vectorsOf(chunk) && n < g.Nq) { dq[featuresOf(g.queries + n, g.head) + 8u * chunk + i] = sum * SCALE; }
}

#narrow-subgroups
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let g = gridOf(group, groups);
  let rows = rowsOf(g, thread);
  let queries = queryPlaces(g, thread);
  var lse: vec4f;
  var delta: vec4f;
  var prefixWeight = 1.0;
  if (OWN_STATS) {
    lse = vec4f(stats[rows.x], stats[rows.y], stats[rows.z], stats[rows.w]);
    delta = ownDelta(g, thread);
    putStats(rows, lse, delta, g, thread);
  } else {
    lse = statsAt(rows, 0u);
    delta = statsAt(rows, 1u);
    prefixWeight = stats[(group.z * HEADS + g.head) * g.Nq * 3u + 2u];
  }
  var sums0 = mat4x4f();
  var sums1 = mat4x4f();
  var sums2 = mat4x4f();
  var inLine = mat4x4f();
  var dInLine = mat4x4f();
  for (var index = select(g.prefixTiles, 0u, prefixWeight > 0.0); index < g.tiles; index++) {
    let tile = tileAt(g, index);
    let keys = keyPlaces(g, tile, thread);
    if (HAS_REL && !tile.isPrefix && tile.y == 0u) { inLine = positionsInLine(g, tile, thread); }
    let s = positioned(productsOfKeys(queries, keys, thread), inLine, g, tile, thread);
    let dp = productsOfValues(queries, keys, thread);
    let weight = select(1.0, prefixWeight, tile.isPrefix);
    let ds = masked(
      weight * mat4x4f(
        exp(s[0] - lse) * (dp[0] - delta),
        exp(s[1] - lse) * (dp[1] - delta),
        exp(s[2] - lse) * (dp[2] - delta),
        exp(s[3] - lse) * (dp[3] - delta),
      ),
      g,
      tile,
      0.0,
      thread,
    );
    putWeights(ds, thread);
    sums0 = addKeys(sums0, keys, 0u, thread);
    if (D > 32u) { sums1 = addKeys(sums1, keys, 1u, thread); }
    if (D > 64u) { sums2 = addKeys(sums2, keys, 2u, thread); }
    if (HAS_REL && !tile.isPrefix) {
      dInLine += ds;
      putLines(g, tile, thread);
      if (tile.y + down() >= g.lines) {
        workgroupBarrier();
        putWeights(dInLine, thread);
        workgroupBarrier();
        putPlaces(g, tile, thread);
        dInLine = mat4x4f();
      }
    }
  }
  store(sums0, g, 0u, thread);
  if (D > 32u) { store(sums1, g, 1u, thread); }
  if (D > 64u) { store(sums2, g, 2u, thread); }
}
