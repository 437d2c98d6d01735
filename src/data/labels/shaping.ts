/** Operations on the shape of one mask: its parts, holes, edge, and cutting it. They touch the rows of the mask only. */
import {
  areaOf,
  boxOf,
  endOf,
  forEachSpan,
  intersect,
  RunsWriter,
  subtract,
  unite,
  uniteAll,
} from './runs.ts';
import { type ImageSize, type Point, strokeRuns } from './shapes.ts';
import { NO_RUNS, type Runs } from './types.ts';

/** Stretches of one row each, in row order. */
interface Pieces {
  readonly rows: number[];
  readonly starts: number[];
  readonly ends: number[];
}

function piecesOf(runs: Runs, width: number): Pieces {
  const pieces: Pieces = { rows: [], starts: [], ends: [] };
  forEachSpan(runs, width, (y, x0, x1) => {
    pieces.rows.push(y);
    pieces.starts.push(x0);
    pieces.ends.push(x1);
  });
  return pieces;
}

/**
 * For each piece the first piece of its patch.
 * @param reach 1 where pieces that share a corner touch (8 neighbours), 0 where they do not (4).
 */
function patches({ rows, starts, ends }: Pieces, reach: 0 | 1): Int32Array {
  const parents = Int32Array.from(rows, (_, i) => i);
  const root = (of: number): number => {
    let at = of;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  };
  let above = 0;
  for (let i = 0; i < rows.length; i++) {
    const [row, start, end] = [rows[i] as number, starts[i] as number, ends[i] as number];
    while (
      (rows[above] as number) < row - 1 ||
      (rows[above] === row - 1 && (ends[above] as number) + reach <= start)
    )
      above++;
    for (let k = above; rows[k] === row - 1 && (starts[k] as number) < end + reach; k++) {
      const [a, b] = [root(k), root(i)];
      parents[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return parents.map((_, i) => root(i));
}

function runsOfPieces({ rows, starts, ends }: Pieces, width: number, which: readonly number[]): Runs {
  const out = new RunsWriter();
  for (const i of which) {
    const at = (rows[i] as number) * width;
    out.add(at + (starts[i] as number), at + (ends[i] as number));
  }
  return out.done();
}

/** The parts that are connected (corners connect too), largest first, of equal ones the upper first. */
export function partsOf(runs: Runs, width: number): Runs[] {
  const pieces = piecesOf(runs, width);
  const members = new Map<number, number[]>();
  patches(pieces, 1).forEach((patch, i) => {
    const known = members.get(patch);
    if (known) known.push(i);
    else members.set(patch, [i]);
  });
  if (members.size < 2) return runs.length > 0 ? [runs] : [];
  const parts = [...members.values()].map((which) => runsOfPieces(pieces, width, which));
  return parts
    .map((part) => ({ part, area: areaOf(part) }))
    .sort((a, b) => b.area - a.area || (a.part[0] as number) - (b.part[0] as number))
    .map(({ part }) => part);
}

/** With its holes filled: background that is cut off from what lies around the mask (corners do not connect it). */
export function filled(runs: Runs, width: number): Runs {
  const box = boxOf(runs, width);
  if (!box) return runs;
  const [x0, y0, x1, y1] = box;
  const gaps: Pieces = { rows: [], starts: [], ends: [] };
  let [row, at] = [y0, x0];
  const close = (to: number): void => {
    if (to <= at) return;
    gaps.rows.push(row);
    gaps.starts.push(at);
    gaps.ends.push(to);
  };
  forEachSpan(runs, width, (y, start, end) => {
    for (; row < y; row++, at = x0) close(x1);
    close(start);
    at = end;
  });
  close(x1);
  const patch = patches(gaps, 0);
  const open = new Set<number>();
  patch.forEach((of, i) => {
    const isAtEdge =
      gaps.rows[i] === y0 || gaps.rows[i] === y1 - 1 || gaps.starts[i] === x0 || gaps.ends[i] === x1;
    if (isAtEdge) open.add(of);
  });
  const holes = [...patch.keys()].filter((i) => !open.has(patch[i] as number));
  return holes.length === 0 ? runs : unite(runs, runsOfPieces(gaps, width, holes));
}

/**
 * With a smoother edge: a pixel is set where most of the pixels around it are, in a square of 2 · radius + 1 pixels a
 * side as far as it lies in the image (the median). Where exactly half are, it stays as it is.
 * @param radius a whole number of pixels; 0 changes nothing.
 */
export function smoothed(runs: Runs, radius: number, { width, height }: ImageSize): Runs {
  const box = boxOf(runs, width);
  if (!box || radius < 1) return runs;
  const x0 = Math.max(0, box[0] - radius);
  const x1 = Math.min(width, box[2] + radius);
  const y0 = Math.max(0, box[1] - radius);
  const y1 = Math.min(height, box[3] + radius);
  const pieces = piecesOf(runs, width);
  // Of every row its first piece.
  const first = new Int32Array(y1 - y0 + 1);
  for (const row of pieces.rows) first[row - y0 + 1] = (first[row - y0 + 1] as number) + 1;
  for (let i = 1; i < first.length; i++) first[i] = (first[i] as number) + (first[i - 1] as number);
  const columns = new Int32Array(x1 - x0);
  const count = (row: number, by: 1 | -1): void => {
    if (row < y0 || row >= y1) return;
    for (let i = first[row - y0] as number; i < (first[row - y0 + 1] as number); i++)
      for (let x = pieces.starts[i] as number; x < (pieces.ends[i] as number); x++)
        columns[x - x0] = (columns[x - x0] as number) + by;
  };
  for (let y = y0; y < y0 + radius; y++) count(y, 1);
  const out = new RunsWriter();
  for (let y = y0; y < y1; y++) {
    count(y + radius, 1);
    count(y - radius - 1, -1);
    const tall = Math.min(height, y + radius + 1) - Math.max(0, y - radius);
    let sum = 0;
    for (let x = x0; x < Math.min(x1, x0 + radius); x++) sum += columns[x - x0] as number;
    let piece = first[y - y0] as number;
    const end = first[y - y0 + 1] as number;
    let start = -1;
    for (let x = x0; x < x1; x++) {
      if (x + radius < x1) sum += columns[x + radius - x0] as number;
      if (x - radius - 1 >= x0) sum -= columns[x - radius - 1 - x0] as number;
      const wide = Math.min(width, x + radius + 1) - Math.max(0, x - radius);
      const twice = 2 * sum - tall * wide;
      while (piece < end && (pieces.ends[piece] as number) <= x) piece++;
      const isSet = twice > 0 || (twice === 0 && piece < end && (pieces.starts[piece] as number) <= x);
      if (isSet && start < 0) start = x;
      if (!isSet && start >= 0) {
        out.add(y * width + start, y * width + x);
        start = -1;
      }
    }
    if (start >= 0) out.add(y * width + start, y * width + x1);
  }
  return out.done();
}

/** Wide enough that two pixels on its two sides are no neighbours, not even over a corner. */
const CUT_RADIUS = Math.SQRT1_2 + 1e-6;

/**
 * The mask cut along a line, largest piece first; the mask alone where the line does not cut it. No pixel is lost: those
 * under the line go to the piece next to them. Parts of the mask that the line leaves whole stay with the largest piece.
 */
export function cutAlong(runs: Runs, line: readonly Point[], size: ImageSize): Runs[] {
  const under = intersect(runs, strokeRuns(line, CUT_RADIUS, size));
  if (under.length === 0) return [runs];
  const whole: Runs[] = [];
  const pieces: Runs[] = [];
  for (const part of partsOf(runs, size.width)) {
    const cut = intersect(part, under);
    const rest = cut.length === 0 ? [] : partsOf(subtract(part, cut), size.width);
    if (rest.length < 2) whole.push(part);
    else pieces.push(...withCut(rest, cut, size));
  }
  if (pieces.length === 0) return [runs];
  pieces.sort((a, b) => areaOf(b) - areaOf(a) || (a[0] as number) - (b[0] as number));
  return [uniteAll([pieces[0] as Runs, ...whole]), ...pieces.slice(1)];
}

/** Gives the pixels of a cut to the pieces next to them, ring by ring. */
function withCut(pieces: readonly Runs[], cut: Runs, size: ImageSize): Runs[] {
  const grown = [...pieces];
  let left = cut;
  while (left.length > 0) {
    const before = left;
    pieces.forEach((_, i) => {
      const taken = intersect(left, around(grown[i] as Runs, left, size));
      grown[i] = unite(grown[i] as Runs, taken);
      left = subtract(left, taken);
    });
    // What touches no piece is a speck of its own; the largest takes it.
    if (left === before || areaOf(left) === areaOf(before)) {
      grown[0] = unite(grown[0] as Runs, left);
      left = NO_RUNS;
    }
  }
  return grown;
}

/** A mask and the pixels next to it (corners count), as far as rows near `near` go. */
function around(runs: Runs, near: Runs, { width, height }: ImageSize): Runs {
  const top = Math.max(0, Math.floor((near[0] as number) / width) - 1) * width;
  const bottom = Math.min(height, Math.floor((endOf(near) - 1) / width) + 2) * width;
  const close = intersect(runs, Uint32Array.of(top, bottom - top));
  const rows = [new RunsWriter(), new RunsWriter(), new RunsWriter()];
  forEachSpan(close, width, (y, x0, x1) => {
    const [from, to] = [Math.max(0, x0 - 1), Math.min(width, x1 + 1)];
    rows.forEach((writer, i) => {
      const row = y + i - 1;
      if (row >= 0 && row < height) writer.add(row * width + from, row * width + to);
    });
  });
  return uniteAll(rows.map((writer) => writer.done()));
}
