import { IGNORED } from './objects.ts';
import type { ImageTransform } from './preprocess.ts';
import type { Box, ObjectRegion, ObjectSet } from './types.ts';

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
 * Averages an object over the cells of the low-res grid by exact area; a cell is 1 from a threshold of 0.5 on. A cell
 * covers modelSize / side model pixels a side; the padding of the image counts as background.
 * @param ignored the {@link ignoredCells} of the objects.
 */
export function lowResTarget(
  objects: ObjectSet,
  region: ObjectRegion,
  transform: ImageTransform,
  side: number,
  ignored: Uint8Array | null = null,
): LowResTarget {
  const isForeground = (v: number) => v === region.id;
  return averageMask(objects.map, isForeground, objects.width, region.box, transform, side, ignored);
}

/**
 * 1 for every cell of the low-res grid that takes no part, [side, side]; null when no pixel is ignored.
 * @param map [height, width] of the original image.
 */
export function ignoredCells(
  map: Int32Array,
  width: number,
  transform: ImageTransform,
  side: number,
): Uint8Array | null {
  if (!map.includes(IGNORED)) return null;
  const whole: Box = [0, 0, width, map.length / width];
  const { sums } = sumAreas(map, (v) => v === IGNORED, width, whole, transform, side);
  return Uint8Array.from(sums, (share) => Number(isCovered(share)));
}

/**
 * {@link lowResTarget} of any pixels of a map that `isForeground` chooses, all of them inside `box`.
 * @param map [height, width] of the original image; @param ignored its {@link ignoredCells}.
 */
export function averageMask(
  map: ArrayLike<number>,
  isForeground: (value: number) => boolean,
  width: number,
  box: Box,
  transform: ImageTransform,
  side: number,
  ignored: Uint8Array | null = null,
): LowResTarget {
  const { sums, pixels } = sumAreas(map, isForeground, width, box, transform, side);
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

/** Sums of shares come out a few ulp off; a cell that is exactly half covered must not depend on that. */
const isCovered = (share: number) => share >= TARGET_THRESHOLD - 1e-9;

/** How much of each cell's area the chosen pixels cover, [side, side] of 0–1, and how many pixels they are. */
function sumAreas(
  map: ArrayLike<number>,
  isChosen: (value: number) => boolean,
  width: number,
  [x0, y0, x1, y1]: Box,
  transform: ImageTransform,
  side: number,
): { readonly sums: Float64Array; readonly pixels: number } {
  const cell = transform.modelSize / side;
  const columns = { density: transform.scaleX / cell, cells: side };
  const rows = { density: transform.scaleY / cell, cells: side };
  const sums = new Float64Array(side * side);
  const rowSums = new Float64Array(side);
  let pixels = 0;
  for (let y = y0; y < y1; y++) {
    const before = pixels;
    rowSums.fill(0);
    for (let x = x0; x < x1; x++) {
      if (!isChosen(map[y * width + x] as number)) continue;
      pixels++;
      eachCell(columns, x, (c, share) => {
        rowSums[c] = (rowSums[c] as number) + share;
      });
    }
    if (pixels === before) continue;
    eachCell(rows, y, (r, share) => {
      for (let c = 0; c < side; c++)
        sums[r * side + c] = (sums[r * side + c] as number) + share * (rowSums[c] as number);
    });
  }
  return { sums, pixels };
}

interface Axis {
  /** Cells per original pixel. */
  readonly density: number;
  readonly cells: number;
}

/** Calls `add` with every cell that original pixel `at` overlaps and the share of the cell's side that it covers. */
function eachCell({ density, cells }: Axis, at: number, add: (cell: number, share: number) => void): void {
  const from = at * density;
  const to = (at + 1) * density;
  for (let cell = Math.floor(from); cell < to && cell < cells; cell++) {
    const share = Math.min(to, cell + 1) - Math.max(from, cell);
    if (share > 0) add(cell, share);
  }
}
