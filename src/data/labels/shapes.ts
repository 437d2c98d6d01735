/** Shapes that a person draws, as runs. A pixel belongs to a shape when its centre does; (0, 0) is the image's corner. */
import { pixelsOf } from '../annotations/rasterise.ts';
import { forEachSpan, RunsWriter } from './runs.ts';
import type { Runs } from './types.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Columns [x0, x1) by row, in any order, as runs. */
class Spans {
  private readonly rows = new Map<number, number[]>();

  constructor(private readonly size: ImageSize) {}

  /** Columns outside of the image are left out. */
  add(y: number, x0: number, x1: number): void {
    const from = Math.max(0, x0);
    const to = Math.min(this.size.width, x1);
    if (to <= from || y < 0 || y >= this.size.height) return;
    const row = this.rows.get(y);
    if (row) row.push(from, to);
    else this.rows.set(y, [from, to]);
  }

  done(): Runs {
    const out = new RunsWriter();
    for (const [y, row] of [...this.rows].sort(([a], [b]) => a - b)) {
      const order = Array.from({ length: row.length >> 1 }, (_, i) => 2 * i);
      order.sort((a, b) => (row[a] as number) - (row[b] as number));
      const at = y * this.size.width;
      for (const i of order) out.add(at + (row[i] as number), at + (row[i + 1] as number));
    }
    return out.done();
  }
}

/**
 * What a round brush paints that is drawn along a line: all pixels whose centre is at most `radius` pixels from it. A
 * single point gives a disc, and the pixel under a point belongs to it however small the brush is.
 */
export function strokeRuns(line: readonly Point[], radius: number, size: ImageSize): Runs {
  const spans = new Spans(size);
  for (const { x, y } of line) spans.add(Math.floor(y), Math.floor(x), Math.floor(x) + 1);
  line.forEach((a, i) => {
    const b = line[i + 1] ?? a;
    if (i === 0 || b !== a) addCapsule(spans, a, b, radius, size);
  });
  return spans.done();
}

function addCapsule(spans: Spans, a: Point, b: Point, radius: number, { width, height }: ImageSize): void {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const squared = dx * dx + dy * dy;
  const isInside = (column: number, y: number): boolean => {
    const [px, py] = [column + 0.5 - a.x, y - a.y];
    const t = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
    const [ex, ey] = [px - t * dx, py - t * dy];
    return ex * ex + ey * ey <= radius * radius;
  };
  const top = Math.max(0, Math.floor(Math.min(a.y, b.y) - radius));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(a.y, b.y) + radius));
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5;
    const found = chord(a, b, radius, y);
    if (!found) continue;
    // Rounded generously, then by the rule itself: a row of a capsule is one stretch.
    let from = Math.max(0, Math.floor(found[0] - 0.5) - 1);
    let to = Math.min(width, Math.ceil(found[1] + 0.5) + 1);
    while (from < to && !isInside(from, y)) from++;
    while (to > from && !isInside(to - 1, y)) to--;
    spans.add(row, from, to);
  }
}

/** Where a horizontal line cuts what lies within a radius of the stretch from `a` to `b`: at most a little too wide. */
function chord(a: Point, b: Point, radius: number, y: number): readonly [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const take = (from: number, to: number): void => {
    if (from > to) return;
    low = Math.min(low, from);
    high = Math.max(high, to);
  };
  for (const { x, y: centre } of [a, b]) {
    const half = radius * radius - (y - centre) ** 2;
    if (half >= 0) take(x - Math.sqrt(half), x + Math.sqrt(half));
    // A row that only touches the disc may lie outside of it by rounding alone.
    else if (half > -1e-6) take(x, x);
  }
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  if (length === 0) return low <= high ? [low, high] : null;
  // The rectangle between the two ends: 0 ≤ along ≤ length, |across| ≤ radius.
  let [from, to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const within = (slope: number, offset: number, least: number, most: number): void => {
    if (Math.abs(slope) < 1e-12) {
      if (offset < least - 1e-9 || offset > most + 1e-9) from = Number.POSITIVE_INFINITY;
      return;
    }
    const [p, q] = [(least - offset) / slope, (most - offset) / slope];
    from = Math.max(from, Math.min(p, q));
    to = Math.min(to, Math.max(p, q));
  };
  const rise = y - a.y;
  within(dx / length, (rise * dy) / length, 0, length);
  within(dy / length, (-rise * dx) / length, -radius, radius);
  take(a.x + from, a.x + to);
  return low <= high ? [low, high] : null;
}

/** The inside of rings, by the even-odd rule: a ring within a ring is a hole. A ring ends where it began. */
export function polygonRuns(rings: readonly (readonly Point[])[], size: ImageSize): Runs {
  const flat = rings.map((ring) => Float64Array.from(ring.flatMap(({ x, y }) => [x, y])));
  return pixelsOf({ kind: 'polygon', rings: flat }, size);
}

/** A box of pixels, x1 and y1 outside. */
export function boxRuns([x0, y0, x1, y1]: readonly [number, number, number, number], size: ImageSize): Runs {
  const spans = new Spans(size);
  for (let y = Math.max(0, y0); y < Math.min(size.height, y1); y++) spans.add(y, x0, x1);
  return spans.done();
}

/** The same pixels elsewhere; what leaves the image is left out. */
export function movedRuns(runs: Runs, dx: number, dy: number, size: ImageSize): Runs {
  const spans = new Spans(size);
  forEachSpan(runs, size.width, (y, x0, x1) => spans.add(y + dy, x0 + dx, x1 + dx));
  return spans.done();
}
