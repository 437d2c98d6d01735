/** Operations on the shape of one mask: its parts, holes, edge, and cutting it. They touch the rows of the mask only. */
import { connectedParts, type LabelRuns, LabelRunsWriter } from '../label-runs.ts';
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

/** The mask as runs of the rows [top, bottom), which hold it. */
function rowsOf(runs: Runs, width: number, top: number, bottom: number): LabelRuns {
  const writer = new LabelRunsWriter(width, bottom - top);
  let row = top;
  forEachSpan(runs, width, (y, x0, x1) => {
    for (; row < y; row++) writer.endRow();
    writer.add(x0, x1, 1);
  });
  for (; row < bottom; row++) writer.endRow();
  return writer.done();
}

/** The runs of each connected part, in the order of their first runs. @param top row of the image in which the first is. */
function partsOfRows({ width, height, rows, starts, ends }: LabelRuns, parts: Int32Array, top: number) {
  const writers = new Map<number, RunsWriter>();
  for (let y = 0; y < height; y++) {
    const at = (top + y) * width;
    for (let run = rows[y] as number; run < (rows[y + 1] as number); run++) {
      const part = parts[run] as number;
      const writer = writers.get(part) ?? new RunsWriter();
      writers.set(part, writer);
      writer.add(at + (starts[run] as number), at + (ends[run] as number));
    }
  }
  return new Map([...writers].map(([part, writer]) => [part, writer.done()] as const));
}

/** The parts that are connected, by their corners too where they have 8 neighbours; largest first, of equal ones the upper first. */
export function partsOf(runs: Runs, width: number, neighbours: 4 | 8 = 8): Runs[] {
  const box = boxOf(runs, width);
  if (!box) return [];
  const rows = rowsOf(runs, width, box[1], box[3]);
  const parts = [...partsOfRows(rows, connectedParts(rows, neighbours), box[1]).values()];
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
  const writer = new LabelRunsWriter(width, y1 - y0);
  let [row, at] = [y0, x0];
  const endRow = (): void => {
    if (at < x1) writer.add(at, x1, 1);
    writer.endRow();
    row++;
    at = x0;
  };
  forEachSpan(runs, width, (y, start, end) => {
    while (row < y) endRow();
    if (at < start) writer.add(at, start, 1);
    at = end;
  });
  while (row < y1) endRow();
  const gaps = writer.done();
  const parts = connectedParts(gaps, 4);
  const isInner = (of: Runs): boolean => {
    const [left, top, right, bottom] = boxOf(of, width) ?? box;
    return left > x0 && top > y0 && right < x1 && bottom < y1;
  };
  return uniteAll([runs, ...[...partsOfRows(gaps, parts, y0).values()].filter(isInner)]);
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
  const { rows: first, starts, ends } = rowsOf(runs, width, y0, y1);
  const columns = new Int32Array(x1 - x0);
  const count = (row: number, by: 1 | -1): void => {
    if (row < y0 || row >= y1) return;
    for (let i = first[row - y0] as number; i < (first[row - y0 + 1] as number); i++)
      for (let x = starts[i] as number; x < (ends[i] as number); x++)
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
      while (piece < end && (ends[piece] as number) <= x) piece++;
      const isSet = twice > 0 || (twice === 0 && piece < end && (starts[piece] as number) <= x);
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
