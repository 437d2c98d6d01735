import { IGNORED, rootOf } from './objects.ts';
import type { LabelMap } from './types.ts';
import type { View } from './view.ts';

/**
 * A label map as its runs: stretches of one value other than 0 in a row, in row order. Masks have few of them, so that
 * what takes a pass over 12 million pixels otherwise takes one over some ten thousand runs.
 */
export interface LabelRuns {
  readonly width: number;
  readonly height: number;
  /** Of every row its first run, and at last the number of runs: [height + 1]. */
  readonly rows: Int32Array;
  /** First column of each run. */
  readonly starts: Int32Array;
  /** The column after each run. */
  readonly ends: Int32Array;
  /** Value of each run; -1 (`IGNORED`) takes no part. */
  readonly values: Int32Array;
}

/** The runs of a label map. */
export function runsOf({ width, height, data }: LabelMap): LabelRuns {
  const runs = new LabelRunsWriter(width, height);
  for (let y = 0, row = 0; y < height; y++, row += width) {
    for (let x = 0; x < width; ) {
      const value = data[row + x] as number;
      const start = x;
      for (x++; x < width && data[row + x] === value; ) x++;
      if (value !== 0) runs.add(start, x, value);
    }
    runs.endRow();
  }
  return runs.done();
}

/** The runs inside a view's rectangle, mirrored as the view mirrors them, but not transposed. */
export function runsInView({ rows, starts, ends, values }: LabelRuns, view: View): LabelRuns {
  const { x0, y0, width, height, mirrorsX, mirrorsY } = view;
  const runs = new LabelRunsWriter(width, height);
  for (let v = 0; v < height; v++) {
    const y = y0 + (mirrorsY ? height - 1 - v : v);
    const first = rows[y] as number;
    const count = (rows[y + 1] as number) - first;
    for (let i = 0; i < count; i++) {
      const run = mirrorsX ? first + count - 1 - i : first + i;
      const start = Math.max(0, (starts[run] as number) - x0);
      const end = Math.min(width, (ends[run] as number) - x0);
      if (start >= end) continue;
      const value = values[run] as number;
      if (mirrorsX) runs.add(width - end, width - start, value);
      else runs.add(start, end, value);
    }
    runs.endRow();
  }
  return runs.done();
}

/** Whether a view's rectangle holds anything but background and ignored pixels. */
export function hasForeground({ rows, starts, ends, values }: LabelRuns, view: View): boolean {
  const { x0, y0, width, height } = view;
  const from = rows[y0] as number;
  const to = rows[y0 + height] as number;
  for (let run = from; run < to; run++) {
    const isInside = (starts[run] as number) < x0 + width && (ends[run] as number) > x0;
    if (isInside && (values[run] as number) > 0) return true;
  }
  return false;
}

/** The labels of runs, ascending, without background and ignored pixels. */
export function labelsOfRuns({ values }: LabelRuns): number[] {
  const seen = new Set(values);
  seen.delete(IGNORED);
  return [...seen].sort((a, b) => a - b);
}

/**
 * For each run its connected part of one value: 1 + the index of the part's first run; 0 for ignored runs.
 * @param neighbours 8 where runs that share a corner touch, 4 where they do not.
 */
export function connectedParts(
  { height, rows, starts, ends, values }: LabelRuns,
  neighbours: 4 | 8 = 8,
): Int32Array {
  const reach = neighbours === 8 ? 1 : 0;
  const parents = values.map((_, run) => run);
  for (let y = 1; y < height; y++) {
    let above = rows[y - 1] as number;
    const aboveEnd = rows[y] as number;
    for (let run = aboveEnd; run < (rows[y + 1] as number); run++) {
      const [start, end, value] = [starts[run] as number, ends[run] as number, values[run]];
      if (value === IGNORED) continue;
      while (above < aboveEnd && (ends[above] as number) + reach <= start) above++;
      for (let other = above; other < aboveEnd && (starts[other] as number) < end + reach; other++) {
        if (values[other] !== value) continue;
        const [a, b] = [rootOf(parents, other), rootOf(parents, run)];
        parents[Math.max(a, b)] = Math.min(a, b);
      }
    }
  }
  return values.map((value, run) => (value === IGNORED ? 0 : rootOf(parents, run) + 1));
}

/** Bytes that runs take. */
export function bytesOfRuns({ rows, starts, ends, values }: LabelRuns): number {
  return rows.byteLength + starts.byteLength + ends.byteLength + values.byteLength;
}

/** Collects the runs of a label map row by row. */
export class LabelRunsWriter {
  private readonly rows: Int32Array;
  private starts = new Int32Array(1024);
  private ends = new Int32Array(1024);
  private values = new Int32Array(1024);
  private count = 0;
  private row = 0;

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    this.rows = new Int32Array(height + 1);
  }

  add(start: number, end: number, value: number): void {
    if (this.count === this.starts.length) {
      this.starts = resized(this.starts, 2 * this.count);
      this.ends = resized(this.ends, 2 * this.count);
      this.values = resized(this.values, 2 * this.count);
    }
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.values[this.count] = value;
    this.count++;
  }

  endRow(): void {
    this.rows[++this.row] = this.count;
  }

  done(): LabelRuns {
    const { width, height, rows, count } = this;
    return {
      width,
      height,
      rows,
      starts: this.starts.slice(0, count),
      ends: this.ends.slice(0, count),
      values: this.values.slice(0, count),
    };
  }
}

function resized(data: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(length);
  out.set(data);
  return out;
}
