// What attention's kernels for any head width share: one number at a time.
override HEADS: u32;
override D: u32;
override NQ: u32;
override NK: u32;
override PREFIX: u32;
override GRID_W: u32;
override SCALE: f32;
override HAS_REL: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
// Or, with HAS_BIAS, the bias [HEADS, NQ, NK − PREFIX] of every window.
@group(0) @binding(3) var<storage, read> relPos: array<f32>;

// A query of a head; `at` is where its features start, `index` counts [M, HEADS, Nq], `c` is the thread's feature.
struct Row { m: u32, head: u32, at: u32, index: u32, c: u32 }

// The row of an element of a tensor [M, Nq, HEADS·D].
fn rowOf(element: u32) -> Row {
  let head = element / D % HEADS;
  let n = element / (D * HEADS) % NQ;
  let m = element / (D * HEADS * NQ);
  return Row(m, head, element - element % D, (m * HEADS + head) * NQ + n, element % D);
}

fn keyAt(row: Row, j: u32) -> u32 { return ((row.m * NK + j) * HEADS + row.head) * D; }

// q·k · SCALE with relative position or bias.
fn score(row: Row, j: u32) -> f32 {
  let at = keyAt(row, j);
  var sum = 0.0;
  for (var d = 0u; d < D; d++) { sum += q[row.at + d] * k[at + d]; }
  sum *= SCALE;
  if (HAS_REL && j >= PREFIX) {
    let rows = (NK - PREFIX) / GRID_W;
    let start = row.index * (rows + GRID_W);
    sum += relPos[start + (j - PREFIX) / GRID_W] + relPos[start + rows + (j - PREFIX) % GRID_W];
  }
  if (HAS_BIAS && j >= PREFIX) {
    sum += relPos[(row.head * NQ + row.index % NQ) * (NK - PREFIX) + j - PREFIX];
  }
  return sum;
}
