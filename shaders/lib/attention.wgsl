// What attention's register kernels share; D is a multiple of 4, at most 4 · MAX_D4, and every tensor is read in vectors of four.
// A thread owns four rows (queries, or columns of scores) and meets the shared rows in tiles of 16, four blocks of four.
// A block of a tensor is a matrix whose column i holds four features of row i. The four threads of a workgroup share a tile.
// What comes between the products runs in loops over single vectors: compiled code grows with the text, and compiling is slow there.
// Columns are cut into segments: 0 = the PREFIX columns, 1 = the others; a tile never holds both.
override HEADS: u32;
// Head of the dispatch's first workgroup along y: large attention goes in several dispatches, some heads each.
override FIRST_HEAD: u32;
override D: u32;
override PREFIX: u32;
override GRID_W: u32;
override SCALE: f32;
override HAS_REL: bool;
const MAX_D4 = 20;
// Stands for −∞ in the running maximum; WGSL promises nothing about infinities.
const LOWEST = -3e38;
const FOUR = vec4u(0u, 1u, 2u, 3u);

// Where the head's features of four rows stand, counted in vectors; `first` counts rows of the whole tensor.
fn placesOf(rows: vec4u, head: u32) -> vec4u {
  return rows * (HEADS * D / 4u) + head * (D / 4u);
}
