// Functions of the workgroup kernels in which a thread owns a query.

// What position adds to a query's scores at four columns j: relPos[at + row of j] + relPos[at + rows + column of j], or
// the bias at j.
fn position(at: u32, j: vec4u, rows: u32, width: u32) -> vec4f {
  if (HAS_BIAS) {
    let own = at + j;
    return vec4f(relPos[own.x], relPos[own.y], relPos[own.z], relPos[own.w]);
  }
  let y = at + j / width;
  let x = at + rows + j % width;
  return vec4f(relPos[y.x], relPos[y.y], relPos[y.z], relPos[y.w])
    + vec4f(relPos[x.x], relPos[x.y], relPos[x.z], relPos[x.w]);
}

// Loads 16 keys and values into workgroup memory: those from t on of the `length` rows that start at row `first`.
// The last row is repeated past the end.
fn loadKeys(first: u32, t: u32, length: u32, head: u32, thread: u32) {
  for (var i = thread; i < 16u * (D / 4u); i += 64u) {
    let at = placeOf(first + min(t + i / (D / 4u), length - 1u), head) + i % (D / 4u);
    first16[i] = k[at];
    second16[i] = v[at];
  }
}
