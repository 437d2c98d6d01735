/** Masks as {@link Runs}: what sets of pixels can do, without a bitmap. */
import type { Box } from '../types.ts';
import { NO_RUNS, type Runs } from './types.ts';

/** Collects runs whose starts ascend; those that touch or overlap become one. */
export class RunsWriter {
  private data = new Uint32Array(64);
  private length = 0;
  private lastEnd = -1;

  /** @param end the pixel after the last one; nothing is added where it is not past `start`. */
  add(start: number, end: number): void {
    if (end <= start) return;
    if (start <= this.lastEnd) {
      if (end <= this.lastEnd) return;
      this.data[this.length - 1] = (this.data[this.length - 1] as number) + end - this.lastEnd;
      this.lastEnd = end;
      return;
    }
    if (this.length === this.data.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length++] = start;
    this.data[this.length++] = end - start;
    this.lastEnd = end;
  }

  done(): Runs {
    return this.length === 0 ? NO_RUNS : this.data.slice(0, this.length);
  }
}

/** Pixels of either. */
export const unite = (a: Runs, b: Runs): Runs => combine(a, b, 0b1110);
/** Pixels of both. */
export const intersect = (a: Runs, b: Runs): Runs => combine(a, b, 0b1000);
/** Pixels of `a` that are not in `b`. */
export const subtract = (a: Runs, b: Runs): Runs => combine(a, b, 0b0100);

/** Pixels of any. */
export function uniteAll(all: readonly Runs[]): Runs {
  if (all.length < 2) return all[0] ?? NO_RUNS;
  const middle = all.length >> 1;
  return unite(uniteAll(all.slice(0, middle)), uniteAll(all.slice(middle)));
}

/**
 * @param table which pixels are kept: bit 3 those of both, bit 2 those of `a` alone, bit 1 those of `b` alone. Runs of
 * `a` before and after all of `b` are copied.
 */
function combine(a: Runs, b: Runs, table: number): Runs {
  const keepsA = ((table >> 2) & 1) === 1;
  if (b.length === 0) return keepsA ? a : NO_RUNS;
  if (a.length === 0) return ((table >> 1) & 1) === 1 ? b : NO_RUNS;
  // A run of `a` that only touches `b` may become one with it.
  const from = firstEndingFrom(a, b[0] as number);
  const to = firstStartingAfter(a, endOf(b));
  const out = new RunsWriter();
  let [edgeA, edgeB] = [from, 0];
  let start = -1;
  while (edgeA < to || edgeB < b.length) {
    const nextA = edgeA < to ? edge(a, edgeA) : Number.POSITIVE_INFINITY;
    const nextB = edgeB < b.length ? edge(b, edgeB) : Number.POSITIVE_INFINITY;
    const at = Math.min(nextA, nextB);
    if (nextA === at) edgeA++;
    if (nextB === at) edgeB++;
    const isKept = ((table >> (2 * (edgeA & 1) + (edgeB & 1))) & 1) === 1;
    if (isKept && start < 0) start = at;
    else if (!isKept && start >= 0) {
      out.add(start, at);
      start = -1;
    }
  }
  const middle = out.done();
  if (!keepsA || (from === 0 && to === a.length)) return middle;
  const joined = new Uint32Array(from + middle.length + a.length - to);
  joined.set(a.subarray(0, from));
  joined.set(middle, from);
  joined.set(a.subarray(to), from + middle.length);
  return joined;
}

/** Where run k = i / 2 begins (even i) or ends (odd i). */
const edge = (runs: Runs, i: number): number =>
  (i & 1) === 0 ? (runs[i] as number) : (runs[i - 1] as number) + (runs[i] as number);

/** The pixel after the last one; 0 where there is none. */
export const endOf = (runs: Runs): number => (runs.length === 0 ? 0 : edge(runs, runs.length - 1));

/** Index of the first run that ends at or after a pixel. */
function firstEndingFrom(runs: Runs, pixel: number): number {
  let [low, high] = [0, runs.length >> 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edge(runs, 2 * middle + 1) < pixel) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** Index of the first run that starts after a pixel. */
function firstStartingAfter(runs: Runs, pixel: number): number {
  let [low, high] = [0, runs.length >> 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[2 * middle] as number) <= pixel) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}

/** How many pixels are set. */
export function areaOf(runs: Runs): number {
  let sum = 0;
  for (let i = 1; i < runs.length; i += 2) sum += runs[i] as number;
  return sum;
}

/** Whether a pixel is set. */
export function hasPixel(runs: Runs, pixel: number): boolean {
  const after = firstStartingAfter(runs, pixel);
  return after > 0 && edge(runs, after - 1) > pixel;
}

/** How many pixels are set in both. */
export function sharedPixels(a: Runs, b: Runs): number {
  let shared = 0;
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const [startA, startB] = [a[i] as number, b[k] as number];
    const [endA, endB] = [startA + (a[i + 1] as number), startB + (b[k + 1] as number)];
    shared += Math.max(0, Math.min(endA, endB) - Math.max(startA, startB));
    if (endA <= endB) i += 2;
    else k += 2;
  }
  return shared;
}

/** Whether two masks are of the same object, as average precision at IoU .5 counts it. */
export function isSameObject(a: Runs, b: Runs): boolean {
  return 3 * sharedPixels(a, b) >= areaOf(a) + areaOf(b);
}

export function equalRuns(a: Runs, b: Runs): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}

/**
 * The runs cut at the ends of rows, in order.
 * @param visit gets a row and its columns [x0, x1).
 */
export function forEachSpan(
  runs: Runs,
  width: number,
  visit: (y: number, x0: number, x1: number) => void,
): void {
  for (let i = 0; i < runs.length; i += 2) {
    let at = runs[i] as number;
    const end = at + (runs[i + 1] as number);
    let y = Math.floor(at / width);
    while (at < end) {
      const rowEnd = Math.min(end, (y + 1) * width);
      visit(y, at - y * width, rowEnd - y * width);
      at = rowEnd;
      y++;
    }
  }
}

/** The smallest box around all set pixels; null where none is. */
export function boxOf(runs: Runs, width: number): Box | null {
  if (runs.length === 0) return null;
  let [x0, x1] = [width, 0];
  for (let i = 0; i < runs.length && (x0 > 0 || x1 < width); i += 2) {
    const start = runs[i] as number;
    const column = start % width;
    const columnEnd = column + (runs[i + 1] as number);
    x0 = columnEnd > width ? 0 : Math.min(x0, column);
    x1 = columnEnd > width ? width : Math.max(x1, columnEnd);
  }
  const last = endOf(runs) - 1;
  return [x0, Math.floor((runs[0] as number) / width), x1, Math.floor(last / width) + 1];
}

/** Every pixel that is not 0. */
export function runsOfBitmap(data: ArrayLike<number>): Runs {
  const out = new RunsWriter();
  for (let i = 0; i < data.length; ) {
    if (!data[i]) {
      i++;
      continue;
    }
    const start = i;
    while (i < data.length && data[i]) i++;
    out.add(start, i);
  }
  return out.done();
}

/** Sets the pixels in a bitmap or a map. */
export function fillRuns(
  runs: Runs,
  into: { fill(value: number, start: number, end: number): unknown },
  value: number,
): void {
  for (let i = 0; i < runs.length; i += 2) into.fill(value, runs[i] as number, edge(runs, i + 1));
}

/** The runs of every value of a map from 1 to `count`: those of value v at v - 1. Other values are passed over. */
export function runsOfValues(map: ArrayLike<number>, count: number): Runs[] {
  const writers = Array.from({ length: count }, () => new RunsWriter());
  for (let i = 0; i < map.length; ) {
    const value = map[i] as number;
    const start = i;
    for (i++; i < map.length && map[i] === value; ) i++;
    writers[value - 1]?.add(start, i);
  }
  return writers.map((writer) => writer.done());
}

/** Whether numbers are runs of an image of so many pixels. */
export function areRuns(runs: Runs, pixels: number): boolean {
  if (runs.length % 2 !== 0) return false;
  let last = -1;
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] as number;
    const length = runs[i + 1] as number;
    if (start <= last || length === 0) return false;
    last = start + length;
  }
  return last <= pixels;
}
