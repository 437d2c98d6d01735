// A row of scores in attention's software family: [M, h, Nq, columns], with columns in the order of the rows of keys
// in lib/attention-heads. The columns after the prefix are a grid of `lines` lines of `width`; one line without
// relPos. With a bias, which is [heads, Nq, Nk−prefix] for all windows, it stands in relPos' place.
// The including shader declares alias Value, f32 or vec4f, and `wide`, the scores of one.
#include "lib/attention-heads"
override HAS_REL: bool;
override HAS_BIAS: bool;
@group(0) @binding(0) var<storage, read_write> scores: array<Value>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> relPos: array<f32>;
const FOUR = vec4u(0u, 1u, 2u, 3u);

struct Row {
  // Counts [M, h, Nq], and [M, heads, Nq].
  own: u32,
  all: u32,
  // Where the row's scores start, where those after the prefix do, and where the next row's do.
  start: u32,
  grid: u32,
  end: u32,
  lines: u32,
  width: u32,
  // Where the row's relative positions or its bias start.
  relAt: u32,
}

fn rowAt(n: u32, Nq: u32, head: u32, heads: u32, m: u32, M: u32) -> Row {
  let own = (m * heads + head) * Nq + n;
  let all = (m * params.heads + params.fromHead + head) * Nq + n;
  let columns = wide * arrayLength(&scores) / (M * heads * Nq);
  let tokens = arrayLength(&k) / (params.heads * params.d * M) - params.prefix;
  let width = select(tokens, params.gridW, HAS_REL);
  let lines = select(1u, tokens / params.gridW, HAS_REL);
  let start = own * columns;
  let relAt = select(all * (lines + width), ((params.fromHead + head) * Nq + n) * width, HAS_BIAS);
  return Row(own, all, start, start + fours(params.prefix), start + columns, lines, width, relAt);
}

// What relative position or bias adds at four columns of a line.
fn positionOf(row: Row, y: u32, column: vec4u) -> vec4f {
  var s = vec4f();
  if (HAS_REL) {
    let rel = row.relAt + row.lines + column;
    s += relPos[row.relAt + y] + vec4f(relPos[rel.x], relPos[rel.y], relPos[rel.z], relPos[rel.w]);
  }
  if (HAS_BIAS) {
    let own = row.relAt + column;
    s += vec4f(relPos[own.x], relPos[own.y], relPos[own.z], relPos[own.w]);
  }
  return s;
}
