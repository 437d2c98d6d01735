import { boxOf, forEachSpan } from '../labels/runs.ts';
import type { Runs } from '../labels/types.ts';
import type { Box } from '../types.ts';

/** A mask as far as its box: one byte a pixel, 0 or 1, rows first. */
export interface BoxedMask {
  readonly box: Box;
  readonly width: number;
  readonly height: number;
  readonly bits: Uint8Array;
}

/** The pixels of runs within their box; of no pixels an empty box. @param width of the image. */
export function boxedMask(runs: Runs, width: number): BoxedMask {
  const box = boxOf(runs, width) ?? ([0, 0, 0, 0] as const);
  const [left, top, right, bottom] = box;
  const across = right - left;
  const bits = new Uint8Array(across * (bottom - top));
  forEachSpan(runs, width, (y, x0, x1) => {
    const row = (y - top) * across - left;
    bits.fill(1, row + x0, row + x1);
  });
  return { box, width: across, height: bottom - top, bits };
}
