// dk[m, j, h] = SCALE · Σ_n ds · q[m, n, h],  dv[m, j, h] = Σ_n p · dout[m, n, h]
// with p and ds as in attention/dq-tile
// q, dout: [M, Nq, C]; k, v, dk, dv: [M, Nk, C]; relPos: [M, HEADS, Nq, GRID_H+GRID_W];
// stats: [M, HEADS, Nq, 3] = lse, delta, mass
// For real GPUs; see lib/attention-tile. A workgroup owns 32 columns, of the prefix or of the rest, and meets the
// queries.
#include "lib/attention-tile"
@group(0) @binding(4) var<storage, read> dout: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;

struct Columns {
  Nq: u32,
  Nk: u32,
  head: u32,
  // The window's first query and first key among those of all windows.
  queries: u32,
  keys: u32,
  // The workgroup's first column, and where the prefix or the rest ends.
  first: u32,
  end: u32,
  isPrefix: bool,
}

fn columnsOf(group: vec3u, groups: vec3u) -> Columns {
  var c: Columns;
  c.Nq = arrayLength(&q) / (HEADS * (D / 4u) * groups.z);
  c.Nk = arrayLength(&k) / (HEADS * (D / 4u) * groups.z);
  c.head = params.firstHead + group.y;
  c.queries = group.z * c.Nq;
  c.keys = group.z * c.Nk;
  let prefixGroups = (PREFIX + 31u) / 32u;
  c.isPrefix = group.x < prefixGroups;
  c.end = select(c.Nk, PREFIX, c.isPrefix);
  c.first = select(PREFIX + (group.x - prefixGroups) * 32u, group.x * 32u, c.isPrefix);
  return c;
}

// What a thread loads, as places in the first chunk: of the workgroup's columns in k and v, which are own rows, and of the queries
// from n on in q and dout, which are met.
fn columnPlaces(c: Columns, thread: u32) -> vec4u {
  return placesOf(c.keys + min(c.first + loadedRows(thread), vec4u(c.end - 1u)), c.head, thread);
}
fn queryPlaces(c: Columns, n: u32, thread: u32) -> vec4u {
  return placesOf(c.queries + min(n + loadedRows(thread), vec4u(c.Nq - 1u)), c.head, thread);
}

fn doutAt(places: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  if (!isLoaded(chunk, thread)) { return mat4x4f(); }
  let at = places + 8u * chunk;
  return mat4x4f(dout[at.x], dout[at.y], dout[at.z], dout[at.w]);
}

// What position adds to the scores of one query at the thread's four columns: their lines and places, or the bias.
fn positionOf(c: Columns, n: u32, y: vec4u, x: vec4u) -> vec4f {
  let width = select(c.Nk - PREFIX, GRID_W, HAS_REL);
  let lines = (c.Nk - PREFIX) / width;
  if (HAS_BIAS) {
    let at = (c.head * c.Nq + n) * width + x;
    return vec4f(relPos[at.x], relPos[at.y], relPos[at.z], relPos[at.w]);
  }
  let row = ((c.queries / c.Nq * HEADS + c.head) * c.Nq + n) * (lines + width);
  let inColumn = row + y;
  let inLine = row + lines + x;
  return vec4f(relPos[inColumn.x], relPos[inColumn.y], relPos[inColumn.z], relPos[inColumn.w])
    + vec4f(relPos[inLine.x], relPos[inLine.y], relPos[inLine.z], relPos[inLine.w]);
}

// p of one query at the thread's four columns, zero past the last query.
fn probability(s: vec4f, c: Columns, n0: u32, weight: f32, y: vec4u, x: vec4u) -> vec4f {
  let n = min(n0, c.Nq - 1u);
  var score = s * SCALE;
  if ((HAS_REL || HAS_BIAS) && !c.isPrefix) { score += positionOf(c, n, y, x); }
  let lse = stats[((c.queries / c.Nq * HEADS + c.head) * c.Nq + n) * 3u];
  return select(vec4f(), weight * exp(score - lse), n0 < c.Nq);
}

fn deltaOf(c: Columns, n0: u32) -> f32 {
  return stats[((c.queries / c.Nq * HEADS + c.head) * c.Nq + min(n0, c.Nq - 1u)) * 3u + 1u];
}

fn addDout(sums: mat4x4f, queries: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  workgroupBarrier();
  putMet(doutAt(queries, chunk, thread), thread);
  workgroupBarrier();
  return addProducts(sums, thread);
}

fn addQueries(sums: mat4x4f, queries: vec4u, chunk: u32, thread: u32) -> mat4x4f {
  workgroupBarrier();
  putMet(queriesAt(queries, chunk, thread), thread);
  workgroupBarrier();
  return addProducts(sums, thread);
}

fn store(sumsK: mat4x4f, sumsV: mat4x4f, c: Columns, chunk: u32, thread: u32) {
  let j = c.first + thread / 8u * 4u;
  storeRow(sumsK[0], sumsV[0], c, j, chunk, thread);
  storeRow(sumsK[1], sumsV[1], c, j + 1u, chunk, thread);
  storeRow(sumsK[2], sumsV[2], c, j + 2u, chunk, thread);
  storeRow(sumsK[3], sumsV[3], c, j + 3u, chunk, thread);
}

fn storeRow(sumK: vec4f, sumV: vec4f, c: Columns, j: u32, chunk: u32, thread: u32) {
  let i = thread % 8u;
  if (i >= vectorsOf(chunk) || j >= c.end) { return; }
  let at = featuresOf(c.keys + j, c.head) + 8u * chunk + i;
  dk[at] = sumK * SCALE;
  dv[at] = sumV;
}

#narrow-subgroups
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let c = columnsOf(group, groups);
  // The places of the thread's four columns in the grid.
  let width = select(c.Nk - PREFIX, GRID_W, HAS_REL);
  let column = min(c.first + thread / 8u * 4u + vec4u(0u, 1u, 2u, 3u), vec4u(c.end - 1u)) - select(PREFIX, 0u, c.isPrefix);
  let y = column / width;
  let x = column % width;
  var weight = 1.0;
  if (c.isPrefix) { weight = stats[(group.z * HEADS + c.head) * c.Nq * 3u + 2u]; }
  let columns = columnPlaces(c, thread);
  let met0 = thread % 8u;
  var dk0 = mat4x4f();
  var dk1 = mat4x4f();
  var dk2 = mat4x4f();
  var dv0 = mat4x4f();
  var dv1 = mat4x4f();
  var dv2 = mat4x4f();
  for (var n = 0u; n < select(c.Nq, 0u, weight == 0.0); n += 32u) {
    let queries = queryPlaces(c, n, thread);
    var s = mat4x4f();
    var dp = mat4x4f();
    for (var chunk = 0u; chunk < chunks(); chunk++) {
      workgroupBarrier();
      putOwn(keysAt(columns, chunk, thread), thread);
      putMet(queriesAt(queries, chunk, thread), thread);
      workgroupBarrier();
      s = addScores(s, vectorsOf(chunk), thread);
    }
    for (var chunk = 0u; chunk < chunks(); chunk++) {
      workgroupBarrier();
      putOwn(valuesAt(columns, chunk, thread), thread);
      putMet(doutAt(queries, chunk, thread), thread);
      workgroupBarrier();
      dp = addScores(dp, vectorsOf(chunk), thread);
    }
    let at = n + met0;
    let p = mat4x4f(
      probability(s[0], c, at, weight, y, x),
      probability(s[1], c, at + 8u, weight, y, x),
      probability(s[2], c, at + 16u, weight, y, x),
      probability(s[3], c, at + 24u, weight, y, x),
    );
    putWeights(p, thread);
    dv0 = addDout(dv0, queries, 0u, thread);
    if (D > 32u) { dv1 = addDout(dv1, queries, 1u, thread); }
    if (D > 64u) { dv2 = addDout(dv2, queries, 2u, thread); }
    workgroupBarrier();
    putWeights(
      mat4x4f(
        p[0] * (dp[0] - deltaOf(c, at)),
        p[1] * (dp[1] - deltaOf(c, at + 8u)),
        p[2] * (dp[2] - deltaOf(c, at + 16u)),
        p[3] * (dp[3] - deltaOf(c, at + 24u)),
      ),
      thread,
    );
    dk0 = addQueries(dk0, queries, 0u, thread);
    if (D > 32u) { dk1 = addQueries(dk1, queries, 1u, thread); }
    if (D > 64u) { dk2 = addQueries(dk2, queries, 2u, thread); }
  }
  store(dk0, dv0, c, 0u, thread);
  if (D > 32u) { store(dk1, dv1, c, 1u, thread); }
  if (D > 64u) { store(dk2, dv2, c, 2u, thread); }
}
