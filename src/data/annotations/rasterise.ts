import { RunsWriter, uniteAll } from '../labels/runs.ts';
import { NO_RUNS, type Runs } from '../labels/types.ts';
import { runsInBox } from '../mask-runs.ts';
import type { Shape } from './shape.ts';

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
export function pixelsOf(shape: Shape, size: Size): Runs {
  switch (shape.kind) {
    case 'polygon':
      return polygonRuns(shape.rings, size);
    case 'union':
      return uniteAll(shape.shapes.map((part) => pixelsOf(part, size)));
    case 'ellipse':
      return ellipseRuns(shape, size);
    case 'stroke':
      return strokeRuns(shape, size);
    case 'runs':
      return runsOfCounts(shape, size);
  }
}

/** The first of `length` pixels whose centre lies at or after a coordinate. */
const firstPixel = (at: number, length: number) => Math.min(length, Math.max(0, Math.ceil(at - 0.5)));

function polygonRuns(rings: readonly Float64Array[], { width, height }: Size): Runs {
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
  const runs = new RunsWriter();
  for (let y = top; y < bottom; y++) {
    const end = starts[y + 1] as number;
    let at = starts[y] as number;
    if (end - at > 2) crossings.subarray(at, end).sort();
    for (; at + 1 < end; at += 2) {
      const [a, b] = [crossings[at] as number, crossings[at + 1] as number];
      const x0 = firstPixel(Math.min(a, b), width);
      const x1 = firstPixel(Math.max(a, b), width);
      runs.add(y * width + x0, y * width + x1);
    }
  }
  return runs.done();
}

function eachEdge(ring: Float64Array, edge: (x0: number, y0: number, x1: number, y1: number) => void): void {
  for (let i = 0, last = ring.length - 2; i + 1 < ring.length; last = i, i += 2) {
    edge(ring[last] as number, ring[last + 1] as number, ring[i] as number, ring[i + 1] as number);
  }
}

function ellipseRuns(
  { x, y, radiusX, radiusY, angle }: Extract<Shape, { kind: 'ellipse' }>,
  { width, height }: Size,
): Runs {
  if (!(radiusX > 0 && radiusY > 0)) return NO_RUNS;
  // a·dx² + 2b·dx·dy + c·dy² = 1 is the edge.
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [u, v] = [1 / radiusX ** 2, 1 / radiusY ** 2];
  const a = cos * cos * u + sin * sin * v;
  const b = cos * sin * (u - v);
  const c = sin * sin * u + cos * cos * v;
  const reach = Math.sqrt(a / (a * c - b * b));
  const runs = new RunsWriter();
  for (let row = firstPixel(y - reach, height); row < firstPixel(y + reach, height); row++) {
    const dy = row + 0.5 - y;
    const half = Math.sqrt(Math.max(0, b * b * dy * dy - a * (c * dy * dy - 1))) / a;
    const middle = x - (b * dy) / a;
    const x0 = firstPixel(middle - half, width);
    const x1 = firstPixel(middle + half, width);
    runs.add(row * width + x0, row * width + x1);
  }
  return runs.done();
}

/** A disc at every point, and a rectangle between each two. */
function strokeRuns({ points, width }: Extract<Shape, { kind: 'stroke' }>, size: Size): Runs {
  const radius = width / 2;
  const parts: Runs[] = [];
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
  return uniteAll(parts);
}

function runsOfCounts(shape: Extract<Shape, { kind: 'runs' }>, size: Size): Runs {
  return shape.order === 'rows' ? runsOfRows(shape, size) : runsOfColumns(shape, size);
}

function runsOfRows({ counts, x, y, width }: Extract<Shape, { kind: 'runs' }>, size: Size): Runs {
  const runs = new RunsWriter();
  let at = 0;
  for (let i = 0; i < counts.length; i++) {
    const end = at + (counts[i] as number);
    for (let from = at; i % 2 === 1 && from < end; ) {
      const row = Math.floor(from / width);
      const to = Math.min(end, (row + 1) * width);
      const x0 = Math.max(0, x + from - row * width);
      const x1 = Math.min(size.width, x + to - row * width);
      const start = (y + row) * size.width;
      if (y + row >= 0 && y + row < size.height) runs.add(start + x0, start + x1);
      from = to;
    }
    at = end;
  }
  return runs.done();
}

/** Columns are turned into rows within the box of the object's pixels, which is often much smaller than the image. */
function runsOfColumns({ counts, x, y, height }: Extract<Shape, { kind: 'runs' }>, size: Size): Runs {
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
  return across > 0 ? runsInBox(bits, [left, top, right, bottom], size) : NO_RUNS;
}
