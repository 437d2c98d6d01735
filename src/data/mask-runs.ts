import { areaOf, boxOf, forEachSpan, RunsWriter } from './labels/runs.ts';
import type { Runs } from './labels/types.ts';
import type { Box } from './types.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** An object's pixels, with what follows from them. */
export interface MaskObject {
  readonly runs: Runs;
  readonly area: number;
  /** An empty one at the corner where there is no pixel. */
  readonly box: Box;
}

/** @param width of the image. */
export function maskObject(runs: Runs, width: number): MaskObject {
  return { runs, area: areaOf(runs), box: boxOf(runs, width) ?? [0, 0, 0, 0] };
}

/**
 * The runs of a mask that lies in an image.
 * @param mask of the box, row by row; other than 0 is the object.
 */
export function runsInBox(mask: ArrayLike<number>, [x0, y0, x1, y1]: Box, { width }: Size): Runs {
  const runs = new RunsWriter();
  const columns = x1 - x0;
  for (let y = y0, row = 0; y < y1; y++, row += columns) {
    for (let x = 0; x < columns; x++) {
      if (!mask[row + x]) continue;
      const start = x;
      while (x < columns && mask[row + x]) x++;
      runs.add(y * width + x0 + start, y * width + x0 + x);
    }
  }
  return runs.done();
}

/** The part of a mask that lies in a box, row by row, 0 or 1. */
export function maskInBox(runs: Runs, [x0, y0, x1, y1]: Box, { width }: Size): Uint8Array<ArrayBuffer> {
  const columns = x1 - x0;
  const mask = new Uint8Array(columns * (y1 - y0));
  forEachSpan(runs, width, (y, from, to) => {
    if (y < y0 || y >= y1) return;
    const row = (y - y0) * columns;
    const [start, end] = [Math.max(from, x0) - x0, Math.min(to, x1) - x0];
    if (end > start) mask.fill(1, row + start, row + end);
  });
  return mask;
}

/** Whether two boxes share a pixel. */
export function boxesMeet(a: Box, b: Box): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
