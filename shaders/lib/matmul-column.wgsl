// Column i of a block, for a loop that stores column after column, since what is done with a sum is long to compile. By
// selects: software adapters look an index that is not a constant up lane by lane.
fn column(block: mat4x4f, i: u32) -> vec4f {
  return select(select(block[0], block[1], i == 1u), select(block[2], block[3], i == 3u), i > 1u);
}
