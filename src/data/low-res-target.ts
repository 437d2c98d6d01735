import { IGNORED } from './objects.ts';
import type { ImageTransform } from './preprocess.ts';
import type { ViewRuns } from './view-objects.ts';

/** The training target of one object at the grid of the low-res masks. */
export interface LowResTarget {
  /** [side, side] of 0 and 1, and of -1 (`IGNORED`) where a cell takes no part. */
  readonly data: Float32Array;
  readonly side: number;
  /** Cells that are 1. */
  readonly area: number;
  /** True when the object has pixels and no cell: it is too thin or small for this grid. */
  readonly vanished: boolean;
}

/** Cells at or above this share of foreground are 1; those at or above this share of ignored area take no part. */
const TARGET_THRESHOLD = 0.5;

/**
 * Averages what has an id over the cells of the low-res grid by exact area; a cell is 1 from a threshold of 0.5 on. A
 * cell covers modelSize / side model pixels a side; the padding of the image counts as background.
 * @param transform of the view; @param ignored the {@link ignoredCells} of the same runs.
 */
export function lowResTarget(
  runs: ViewRuns,
  id: number,
  transform: ImageTransform,
  side: number,
  ignored: Uint8Array | null,
): LowResTarget {
  const { sums, pixels } = sumAreas(runs, id, transform, side);
  const data = new Float32Array(side * side);
  let area = 0;
  for (let i = 0; i < data.length; i++) {
    if (ignored?.[i]) data[i] = IGNORED;
    else if (isCovered(sums[i] as number)) {
      data[i] = 1;
      area++;
    }
  }
  return { data, side, area, vanished: pixels > 0 && area === 0 };
}

/** 1 for every cell of the low-res grid that takes no part, [side, side]; null when no pixel is ignored. */
export function ignoredCells(runs: ViewRuns, transform: ImageTransform, side: number): Uint8Array | null {
  if (!runs.ids.includes(IGNORED)) return null;
  const { sums } = sumAreas(runs, IGNORED, transform, side);
  return Uint8Array.from(sums, (share) => Number(isCovered(share)));
}

/** Sums of shares come out a few ulp off; a cell that is exactly half covered must not depend on that. */
const isCovered = (share: number) => share >= TARGET_THRESHOLD - 1e-9;

/**
 * How much of each cell's area the runs of an id cover, [side, side] of 0–1, and how many pixels they are. The sums are
 * good until the next are made.
 */
function sumAreas(
  { runs: { height, rows, starts, ends }, ids, isTransposed }: ViewRuns,
  id: number,
  { scaleX, scaleY, modelSize }: ImageTransform,
  side: number,
): { readonly sums: Float64Array; readonly pixels: number } {
  const cell = modelSize / side;
  // Cells per pixel along the runs and across them, and from a cell to the next either way.
  const [along, across] = isTransposed ? [scaleY / cell, scaleX / cell] : [scaleX / cell, scaleY / cell];
  const [alongStep, acrossStep] = isTransposed ? [side, 1] : [1, side];
  const sums = zeros(side * side);
  let pixels = 0;
  for (let row = 0; row < height; row++) {
    const top = row * across;
    const bottom = (row + 1) * across;
    for (let run = rows[row] as number; run < (rows[row + 1] as number); run++) {
      if (ids[run] !== id) continue;
      const start = starts[run] as number;
      const end = ends[run] as number;
      pixels += end - start;
      for (let b = Math.floor(top); b < bottom && b < side; b++) {
        const height = Math.min(bottom, b + 1) - Math.max(top, b);
        if (height <= 0) continue;
        const from = start * along;
        const to = end * along;
        for (let a = Math.floor(from); a < to && a < side; a++) {
          const width = Math.min(to, a + 1) - Math.max(from, a);
          const at = a * alongStep + b * acrossStep;
          if (width > 0) sums[at] = (sums[at] as number) + width * height;
        }
      }
    }
  }
  return { sums, pixels };
}

let working = new Float64Array(0);

/** Kept from one object to the next: with arrays of its own for each, the collector runs for every image. */
function zeros(length: number): Float64Array {
  if (working.length < length) working = new Float64Array(length);
  return working.subarray(0, length).fill(0);
}
