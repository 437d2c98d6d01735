import type { Shape } from './shape.ts';

/** Pixels of an object: triples y, x0, x1 (x1 outside), by rows, none twice, all within the image. */
export type PixelRuns = Int32Array;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Thrown when a shape needs more work than any that a person drew. */
export class TooMuchWork extends Error {}

/** Crossings of a polygon's edges with rows of pixels; an outline drawn by hand has a few thousand. */
const MOST_CROSSINGS = 2 ** 24;

/**
 * The pixels of a shape whose centres lie inside; a centre on the edge belongs to the pixel when the inside is to its
 * right (or, on a level edge, below). What lies beyond the image is cut off.
 * @throws {TooMuchWork}
 */
export function pixelsOf(shape: Shape, size: Size): PixelRuns {
  switch (shape.kind) {
    case 'polygon':
      return polygonRuns(shape.rings, size);
    case 'union':
      return united(shape.shapes.map((part) => pixelsOf(part, size)));
    case 'ellipse':
      return ellipseRuns(shape, size);
    case 'stroke':
      return strokeRuns(shape, size);
    case 'runs':
      return runsOfCounts(shape, size);
  }
}

/** How many pixels the runs hold. */
export function areaOf(runs: PixelRuns): number {
  let area = 0;
  for (let i = 0; i < runs.length; i += 3) area += (runs[i + 2] as number) - (runs[i + 1] as number);
  return area;
}

/** The first of `length` pixels whose centre lies at or after a coordinate. */
const firstPixel = (at: number, length: number) => Math.min(length, Math.max(0, Math.ceil(at - 0.5)));

function polygonRuns(rings: readonly Float64Array[], { width, height }: Size): PixelRuns {
  // For every row of pixels the x at which edges cross its middle: counted first, then put side by side.
  const starts = new Int32Array(height + 1);
  let total = 0;
  let [top, bottom] = [height, 0];
  for (const ring of rings) {
    eachEdge(ring, (_x0, y0, _x1, y1) => {
      const from = firstPixel(Math.min(y0, y1), height);
      const to = firstPixel(Math.max(y0, y1), height);
      total += to - from;
      if (total > MOST_CROSSINGS) throw new TooMuchWork();
      top = Math.min(top, from);
      bottom = Math.max(bottom, to);
      for (let y = from; y < to; y++) starts[y + 1] = (starts[y + 1] as number) + 1;
    });
  }
  for (let y = top; y < bottom; y++) starts[y + 1] = (starts[y + 1] as number) + (starts[y] as number);
  const crossings = new Float64Array(total);
  const next = starts.slice(0, height);
  for (const ring of rings) {
    eachEdge(ring, (x0, y0, x1, y1) => {
      const from = firstPixel(Math.min(y0, y1), height);
      const to = firstPixel(Math.max(y0, y1), height);
      for (let y = from; y < to; y++) {
        crossings[next[y] as number] = x0 + ((y + 0.5 - y0) * (x1 - x0)) / (y1 - y0);
        next[y] = (next[y] as number) + 1;
      }
    });
  }
  const runs: number[] = [];
  for (let y = top; y < bottom; y++) {
    const end = starts[y + 1] as number;
    let at = starts[y] as number;
    if (end - at > 2) crossings.subarray(at, end).sort();
    for (; at + 1 < end; at += 2) {
      const [a, b] = [crossings[at] as number, crossings[at + 1] as number];
      const x0 = firstPixel(Math.min(a, b), width);
      const x1 = firstPixel(Math.max(a, b), width);
      if (x1 > x0) runs.push(y, x0, x1);
    }
  }
  return Int32Array.from(runs);
}

function eachEdge(ring: Float64Array, edge: (x0: number, y0: number, x1: number, y1: number) => void): void {
  for (let i = 0, last = ring.length - 2; i + 1 < ring.length; last = i, i += 2) {
    edge(ring[last] as number, ring[last + 1] as number, ring[i] as number, ring[i + 1] as number);
  }
}

function ellipseRuns(
  { x, y, radiusX, radiusY, angle }: Extract<Shape, { kind: 'ellipse' }>,
  { width, height }: Size,
): PixelRuns {
  if (!(radiusX > 0 && radiusY > 0)) return new Int32Array();
  // a·dx² + 2b·dx·dy + c·dy² = 1 is the edge.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [u, v] = [1 / radiusX ** 2, 1 / radiusY ** 2];
  const a = cos * cos * u + sin * sin * v;
  const b = cos * sin * (u - v);
  const c = sin * sin * u + cos * cos * v;
  const reach = Math.sqrt(a / (a * c - b * b));
  const runs: number[] = [];
  for (let row = firstPixel(y - reach, height); row < firstPixel(y + reach, height); row++) {
    const dy = row + 0.5 - y;
    const half = Math.sqrt(Math.max(0, b * b * dy * dy - a * (c * dy * dy - 1))) / a;
    const middle = x - (b * dy) / a;
    const x0 = firstPixel(middle - half, width);
    const x1 = firstPixel(middle + half, width);
    if (x1 > x0) runs.push(row, x0, x1);
  }
  return Int32Array.from(runs);
}

/** A disc at every point, and a rectangle between each two. */
function strokeRuns({ points, width }: Extract<Shape, { kind: 'stroke' }>, size: Size): PixelRuns {
  const radius = width / 2;
  const parts: PixelRuns[] = [];
  let total = 0;
  for (let i = 0; i + 1 < points.length; i += 2) {
    const x = points[i] as number;
    const y = points[i + 1] as number;
    parts.push(ellipseRuns({ kind: 'ellipse', x, y, radiusX: radius, radiusY: radius, angle: 0 }, size));
    if (i + 3 < points.length) {
      const toX = points[i + 2] as number;
      const toY = points[i + 3] as number;
      const length = Math.hypot(toX - x, toY - y);
      const nx = length > 0 ? (-(toY - y) / length) * radius : 0;
      const ny = length > 0 ? ((toX - x) / length) * radius : 0;
      const side = Float64Array.of(x + nx, y + ny, toX + nx, toY + ny, toX - nx, toY - ny, x - nx, y - ny);
      parts.push(polygonRuns([side], size));
    }
    total += (parts.at(-1)?.length ?? 0) + (parts.at(-2)?.length ?? 0);
    if (total > MOST_CROSSINGS) throw new TooMuchWork();
  }
  return united(parts);
}

/** Runs that may overlap as runs that do not. */
function united(parts: readonly PixelRuns[]): PixelRuns {
  const [only, ...others] = parts.filter(({ length }) => length > 0);
  if (!only || others.length === 0) return only ?? new Int32Array();
  const byRow = new Map<number, [x0: number, x1: number][]>();
  for (const runs of [only, ...others]) {
    for (let i = 0; i < runs.length; i += 3) {
      const y = runs[i] as number;
      const row = byRow.get(y) ?? [];
      row.push([runs[i + 1] as number, runs[i + 2] as number]);
      byRow.set(y, row);
    }
  }
  const out: number[] = [];
  for (const y of [...byRow.keys()].sort((a, b) => a - b)) {
    let end = -1;
    for (const [x0, x1] of (byRow.get(y) ?? []).sort((a, b) => a[0] - b[0])) {
      if (x0 > end) {
        out.push(y, x0, x1);
        end = x1;
      } else if (x1 > end) {
        out[out.length - 1] = x1;
        end = x1;
      }
    }
  }
  return Int32Array.from(out);
}

function runsOfCounts(shape: Extract<Shape, { kind: 'runs' }>, size: Size): PixelRuns {
  return shape.order === 'rows' ? runsOfRows(shape, size) : runsOfColumns(shape, size);
}

function runsOfRows({ counts, x, y, width }: Extract<Shape, { kind: 'runs' }>, size: Size): PixelRuns {
  const runs: number[] = [];
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + (counts[i] as number);
    for (let from = at; i % 2 === 1 && from < end; ) {
      const row = Math.floor(from / width);
      const to = Math.min(end, (row + 1) * width);
      const x0 = Math.max(0, x + from - row * width);
      const x1 = Math.min(size.width, x + to - row * width);
      if (y + row >= 0 && y + row < size.height && x1 > x0) runs.push(y + row, x0, x1);
      from = to;
    }
    at = end;
  }
  return Int32Array.from(runs);
}

/** Columns are turned into rows within the box of the object's pixels, which is often much smaller than the image. */
function runsOfColumns({ counts, x, y, height }: Extract<Shape, { kind: 'runs' }>, size: Size): PixelRuns {
  const pieces: number[] = [];
  let [left, top, right, bottom] = [size.width, size.height, 0, 0];
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + (counts[i] as number);
    for (let from = at; i % 2 === 1 && from < end; ) {
      const column = Math.floor(from / height);
      const to = Math.min(end, (column + 1) * height);
      const y0 = Math.max(0, y + from - column * height);
      const y1 = Math.min(size.height, y + to - column * height);
      const px = x + column;
      if (px >= 0 && px < size.width && y1 > y0) {
        pieces.push(px, y0, y1);
        left = Math.min(left, px);
        right = Math.max(right, px + 1);
        top = Math.min(top, y0);
        bottom = Math.max(bottom, y1);
      }
      from = to;
    }
    at = end;
  }
  const across = Math.max(0, right - left);
  const bits = new Uint8Array(across * Math.max(0, bottom - top));
  for (let i = 0; i < pieces.length; i += 3) {
    const px = (pieces[i] as number) - left;
    for (let py = pieces[i + 1] as number; py < (pieces[i + 2] as number); py++) {
      bits[(py - top) * across + px] = 1;
    }
  }
  const runs: number[] = [];
  for (let row = 0; row < bottom - top; row++) {
    for (let px = 0; px < across; px++) {
      if (!bits[row * across + px]) continue;
      const from = px;
      while (px < across && bits[row * across + px]) px++;
      runs.push(top + row, left + from, left + px);
    }
  }
  return Int32Array.from(runs);
}
