import type { Box } from '../types.ts';

/**
 * The pixels of a mask as runs: start and length alternate. Pixels are counted from 0 at the top left, row by row
 * (y · width + x), so a run may go on in the next row. Starts ascend, and two runs never touch.
 */
export type Runs = Uint32Array;

/** How many pixels runs hold. */
export function areaOf(runs: Runs): number {
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i] as number;
  return area;
}

/** Calls `piece` for each stretch of pixels in one row: x1 is outside. */
export function eachRow(runs: Runs, width: number, piece: (y: number, x0: number, x1: number) => void): void {
  for (let i = 0; i < runs.length; i += 2) {
    let from = runs[i] as number;
    const end = from + (runs[i + 1] as number);
    while (from < end) {
      const y = Math.floor(from / width);
      const to = Math.min(end, (y + 1) * width);
      piece(y, from - y * width, to - y * width);
      from = to;
    }
  }
}

/** The box around runs; [0, 0, 0, 0) of none. */
export function boxOf(runs: Runs, width: number): Box {
  if (runs.length === 0) return [0, 0, 0, 0];
  let [x0, y0, x1, y1] = [width, Number.POSITIVE_INFINITY, 0, 0];
  eachRow(runs, width, (y, from, to) => {
    x0 = Math.min(x0, from);
    x1 = Math.max(x1, to);
    y0 = Math.min(y0, y);
    y1 = y + 1;
  });
  return [x0, y0, x1, y1];
}

/** A mask as far as its box: one byte a pixel, 0 or 1, rows first. */
export interface BoxedMask {
  readonly box: Box;
  readonly width: number;
  readonly height: number;
  readonly bits: Uint8Array;
}

/** The pixels of runs within their box. @param width of the image. */
export function boxedMask(runs: Runs, width: number): BoxedMask {
  const box = boxOf(runs, width);
  const [left, top, right, bottom] = box;
  const across = right - left;
  const bits = new Uint8Array(across * (bottom - top));
  eachRow(runs, width, (y, x0, x1) => {
    const row = (y - top) * across - left;
    bits.fill(1, row + x0, row + x1);
  });
  return { box, width: across, height: bottom - top, bits };
}

/** The runs of every value from 1 to `count` of a map; values beyond, and those that are not positive, have none. */
export function runsOfValues(map: ArrayLike<number>, count: number): Runs[] {
  return collect(map, count, (value) => value);
}

/** The runs of one value of a map. */
export function runsOfValue(map: ArrayLike<number>, wanted: number): Runs {
  const [runs] = collect(map, 1, (value) => (value === wanted ? 1 : 0));
  return runs ?? new Uint32Array();
}

function collect(map: ArrayLike<number>, count: number, indexOf: (value: number) => number): Runs[] {
  const all = Array.from({ length: count }, (): number[] => []);
  for (let at = 0; at < map.length; ) {
    const value = map[at] as number;
    const start = at;
    for (at++; at < map.length && map[at] === value; ) at++;
    all[indexOf(value) - 1]?.push(start, at - start);
  }
  return all.map((runs) => Uint32Array.from(runs));
}
