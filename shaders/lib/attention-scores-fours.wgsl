// Rows of scores whose lines are multiples of 4: a vector at a time, none of which belongs to two lines.
alias Value = vec4f;
const wide = 4u;
#include "lib/attention-scores"

// What relPos adds to a line.
fn lineOf(row: Row, y: u32) -> f32 {
  if (HAS_REL) { return relPos[row.relAt + y]; }
  return 0.0;
}

// Where relPos or bias begins that has a value for each column of a line.
fn columnsAt(row: Row) -> u32 { return row.relAt + select(0u, row.lines, HAS_REL); }

// Vector `at` of the scores, with what is added to its line and, from `rel` on, to its columns. Places are counted on by the
// loops over a line: a Row handed down to every vector costs as much as fetching it.
fn scoresOf(at: u32, line: f32, rel: u32) -> vec4f {
  var s = scores[at];
  if (HAS_REL || HAS_BIAS) {
    s += line + vec4f(relPos[rel], relPos[rel + 1u], relPos[rel + 2u], relPos[rel + 3u]);
  }
  return s;
}
