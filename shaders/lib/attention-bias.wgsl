// Relative position of one query, whose entries start at `at`, at four columns: relPos[row] + relPos[rows + column of the grid].
fn bias(at: u32, j: vec4u, rows: u32, width: u32) -> vec4f {
  let y = at + j / width;
  let x = at + rows + j % width;
  return vec4f(relPos[y.x], relPos[y.y], relPos[y.z], relPos[y.w])
    + vec4f(relPos[x.x], relPos[x.y], relPos[x.z], relPos[x.w]);
}
