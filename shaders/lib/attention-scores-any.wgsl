// Rows of scores whose lines have any width: four columns of a line at a time, one number each.
alias Value = f32;
const wide = 1u;
#include "lib/attention-scores"

// Scores of a line from column x on, with relative position or bias; past the line's end its last one again.
fn scoresOf(row: Row, y: u32, x: u32) -> vec4f {
  let column = min(x + FOUR, vec4u(row.width - 1u));
  let at = row.grid + y * row.width + column;
  return vec4f(scores[at.x], scores[at.y], scores[at.z], scores[at.w]) + positionOf(row, y, column);
}

// Zeros on the columns that stand for no key.
fn clear(begin: u32, end: u32) {
  for (var at = begin; at < end; at++) { scores[at] = 0.0; }
}
