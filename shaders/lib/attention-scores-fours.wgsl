// Rows of scores whose lines are multiples of 4: a vector at a time, none of which belongs to two lines.
alias Value = vec4f;
const wide = 4u;
#include "lib/attention-scores"

// Scores of a line from column x on, with relative position or bias.
fn scoresOf(row: Row, y: u32, x: u32) -> vec4f {
  return scores[(row.grid + y * row.width + x) / 4u] + positionOf(row, y, x + FOUR);
}
