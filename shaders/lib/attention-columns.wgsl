// For the kernels whose own rows are queries: the keys come in tiles of up to 32 columns. The first tiles hold the
// PREFIX columns. The other columns are a grid of `lines` lines of `width`, one line without relPos; their tiles are
// whole lines where 32 columns hold one, else parts of a line. So a thread's columns have the same places in a line from
// tile to tile of a part, and their relative positions and its gradient stay in registers.
#include "lib/attention-tile"

struct Grid {
  Nq: u32,
  Nk: u32,
  head: u32,
  // The window's first query and first key among those of all windows, and the first of the workgroup's queries.
  queries: u32,
  keys: u32,
  n: u32,
  lines: u32,
  width: u32,
  // Tiles of the prefix, of one part of all lines, and all of them.
  prefixTiles: u32,
  partTiles: u32,
  tiles: u32,
}

// Columns of a line in a tile, and lines of a tile; constants of a pipeline.
fn across() -> u32 { return select(32u, min(GRID_W, 32u), HAS_REL); }
fn down() -> u32 { return 32u / across(); }

fn gridOf(group: vec3u, groups: vec3u) -> Grid {
  var g: Grid;
  g.Nq = arrayLength(&q) / (HEADS * (D / 4u) * groups.z);
  g.Nk = arrayLength(&k) / (HEADS * (D / 4u) * groups.z);
  g.head = params.firstHead + group.y;
  g.queries = group.z * g.Nq;
  g.keys = group.z * g.Nk;
  g.n = group.x * 32u;
  g.width = select(g.Nk - PREFIX, GRID_W, HAS_REL);
  g.lines = (g.Nk - PREFIX) / g.width;
  g.prefixTiles = (PREFIX + 31u) / 32u;
  g.partTiles = (g.lines + down() - 1u) / down();
  g.tiles = g.prefixTiles + g.partTiles * ((g.width + 31u) / 32u);
  return g;
}

struct Tile {
  isPrefix: bool,
  // The prefix column, or the line and the place in it, of the tile's first column.
  first: u32,
  x: u32,
  y: u32,
}

fn tileAt(g: Grid, index: u32) -> Tile {
  if (index < g.prefixTiles) { return Tile(true, index * 32u, 0u, 0u); }
  let i = index - g.prefixTiles;
  return Tile(false, 0u, i / g.partTiles * 32u, i % g.partTiles * down());
}

// A column of a tile: its line, its place in the line, its key among those of the window, and whether there is one.
struct Column { y: u32, x: u32, key: u32, isThere: bool }

fn columnAt(g: Grid, tile: Tile, slot: u32) -> Column {
  if (tile.isPrefix) {
    let key = tile.first + slot;
    return Column(0u, 0u, min(key, PREFIX - 1u), key < PREFIX);
  }
  let y = tile.y + slot / across();
  let x = tile.x + slot % across();
  let isThere = slot / across() < down() && y < g.lines && x < g.width;
  return Column(y, x, select(PREFIX, PREFIX + y * g.width + x, isThere), isThere);
}

fn columnsOf(g: Grid, tile: Tile, thread: u32) -> array<Column, 4> {
  let j = thread % 8u;
  return array<Column, 4>(
    columnAt(g, tile, j),
    columnAt(g, tile, j + 8u),
    columnAt(g, tile, j + 16u),
    columnAt(g, tile, j + 24u),
  );
}

// The thread's own query i, the last one again past the end.
fn queryAt(g: Grid, thread: u32, i: u32) -> u32 {
  return min(g.n + thread / 8u * 4u + i, g.Nq - 1u);
}

// The thread's four queries' rows of lse, stats, relPos and drelPos.
fn rowsOf(g: Grid, thread: u32) -> vec4u {
  let first = (g.queries / g.Nq * HEADS + g.head) * g.Nq;
  return first + vec4u(queryAt(g, thread, 0u), queryAt(g, thread, 1u), queryAt(g, thread, 2u), queryAt(g, thread, 3u));
}

fn relPosAt(at: vec4u) -> vec4f {
  return vec4f(relPos[at.x], relPos[at.y], relPos[at.z], relPos[at.w]);
}

// What the places in a line add to the scores of a part's tiles.
fn positionsInLine(g: Grid, tile: Tile, thread: u32) -> mat4x4f {
  let at = rowsOf(g, thread) * (g.lines + g.width) + g.lines;
  let c = columnsOf(g, tile, thread);
  let last = g.width - 1u;
  return mat4x4f(
    relPosAt(at + min(c[0].x, last)),
    relPosAt(at + min(c[1].x, last)),
    relPosAt(at + min(c[2].x, last)),
    relPosAt(at + min(c[3].x, last)),
  );
}

// Scores of a tile from q·k, with relative position or bias; `inLine` is what positionsInLine gave for its part.
fn positioned(scores: mat4x4f, inLine: mat4x4f, g: Grid, tile: Tile, thread: u32) -> mat4x4f {
  var s = scores * SCALE;
  if (tile.isPrefix) { return s; }
  let c = columnsOf(g, tile, thread);
  if (HAS_REL) {
    let at = rowsOf(g, thread) * (g.lines + g.width);
    let last = g.lines - 1u;
    s += inLine;
    if (down() == 1u) {
      let line = relPosAt(at + tile.y);
      s += mat4x4f(line, line, line, line);
    } else {
      s += mat4x4f(
        relPosAt(at + min(c[0].y, last)),
        relPosAt(at + min(c[1].y, last)),
        relPosAt(at + min(c[2].y, last)),
        relPosAt(at + min(c[3].y, last)),
      );
    }
  }
  if (HAS_BIAS) {
    let first = g.head * g.Nq;
    let n = vec4u(queryAt(g, thread, 0u), queryAt(g, thread, 1u), queryAt(g, thread, 2u), queryAt(g, thread, 3u));
    let at = (first + n) * (g.Nk - PREFIX);
    s += mat4x4f(
      relPosAt(at + c[0].key - PREFIX),
      relPosAt(at + c[1].key - PREFIX),
      relPosAt(at + c[2].key - PREFIX),
      relPosAt(at + c[3].key - PREFIX),
    );
  }
  return s;
}

// What a thread loads, as places in the first chunk: of the workgroup's queries (rows of q or of dout), which are own rows, and of
// a tile's keys (of k or v), which are met.
fn queryPlaces(g: Grid, thread: u32) -> vec4u {
  return placesOf(g.queries + min(g.n + loadedRows(thread), vec4u(g.Nq - 1u)), g.head, thread);
}
fn keyPlaces(g: Grid, tile: Tile, thread: u32) -> vec4u {
  let slots = loadedRows(thread);
  let keys = vec4u(
    columnAt(g, tile, slots.x).key,
    columnAt(g, tile, slots.y).key,
    columnAt(g, tile, slots.z).key,
    columnAt(g, tile, slots.w).key,
  );
  return placesOf(g.keys + keys, g.head, thread);
}

// q·k of a tile; leaves workgroup memory free only after a barrier.
fn productsOfKeys(queries: vec4u, keys: vec4u, thread: u32) -> mat4x4f {
  var s = mat4x4f();
  for (var chunk = 0u; chunk < chunks(); chunk++) {
    workgroupBarrier();
    putOwn(queriesAt(queries, chunk, thread), thread);
    putMet(keysAt(keys, chunk, thread), thread);
    workgroupBarrier();
    s = addScores(s, vectorsOf(chunk), thread);
  }
  return s;
}

// Numbers of a tile with zeros where there is no column.
fn masked(numbers: mat4x4f, g: Grid, tile: Tile, otherwise: f32, thread: u32) -> mat4x4f {
  let c = columnsOf(g, tile, thread);
  let none = vec4f(otherwise);
  return mat4x4f(
    select(none, numbers[0], c[0].isThere),
    select(none, numbers[1], c[1].isThere),
    select(none, numbers[2], c[2].isThere),
    select(none, numbers[3], c[3].isThere),
  );
}
