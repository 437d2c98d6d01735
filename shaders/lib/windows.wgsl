// Windows of WINDOW × WINDOW tokens that images of GRID_H × GRID_W tokens are cut into, in row order, those at the right
// and below filled up with zeros, as ops/window-partition has them. Rows are tokens.
override WINDOW: u32;
override GRID_H: u32;
override GRID_W: u32;
const PADDING = 0xffffffffu;

// The row in the images of row r of their windows; PADDING where there is none.
fn rowOfImages(r: u32) -> u32 {
  // A division by an override of 0 is refused, also where it is not reached.
  let side = max(WINDOW, 1u);
  let across = (GRID_W + side - 1u) / side;
  let down = (GRID_H + side - 1u) / side;
  let window = r / (side * side);
  let y = window / max(across, 1u) % max(down, 1u) * side + r / side % side;
  let x = window % max(across, 1u) * side + r % side;
  if (y >= GRID_H || x >= GRID_W) { return PADDING; }
  return (window / max(across * down, 1u) * GRID_H + y) * GRID_W + x;
}

// The row in the windows of row r of the images.
fn rowOfWindows(r: u32) -> u32 {
  let side = max(WINDOW, 1u);
  let across = (GRID_W + side - 1u) / side;
  let down = (GRID_H + side - 1u) / side;
  let x = r % max(GRID_W, 1u);
  let y = r / max(GRID_W, 1u) % max(GRID_H, 1u);
  let window = (r / max(GRID_W * GRID_H, 1u) * down + y / side) * across + x / side;
  return (window * side + y % side) * side + x % side;
}
