// What the attention kernels share. A head has D features, D4 groups of four, the last one filled up with zeros.
// Columns are cut into segments: 0 = the PREFIX columns, 1 + r = row r of the grid of keys (all keys when HAS_REL is false).
override HEADS: u32;
override D: u32;
override PREFIX: u32;
override GRID_W: u32;
override WINDOWS: u32;
override SCALE: f32;
override HAS_REL: bool;
override D4: u32 = (D + 3u) / 4u;
override C: u32 = HEADS * D;
const MAX_D4 = 32;
// Stands for −∞ in the running maximum; WGSL promises nothing about infinities.
const LOWEST = -3e38;

// Four features of which `c` is the first: those past the head's end count as zero.
fn tail4(value: vec4f, c: u32) -> vec4f {
  return select(vec4f(), value, vec4u(c, c + 1u, c + 2u, c + 3u) < vec4u(D));
}
