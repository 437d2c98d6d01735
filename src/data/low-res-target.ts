import type { ImageTransform } from './preprocess.ts';
import type { Box, ObjectRegion, ObjectSet } from './types.ts';

/** The training target of one object at the grid of the low-res masks. */
export interface LowResTarget {
  /** [side, side] of 0 and 1. */
  readonly data: Float32Array;
  readonly side: number;
  /** Cells that are 1. */
  readonly area: number;
  /** True when the object has pixels and no cell: it is too thin or small for this grid. */
  readonly vanished: boolean;
}

/** Cells at or above this share of foreground are 1. */
const TARGET_THRESHOLD = 0.5;

/**
 * Averages an object over the cells of the low-res grid by exact area; a cell is 1 from a threshold of 0.5 on. A cell
 * covers modelSize / side model pixels a side; the padding of the image counts as background.
 */
export function lowResTarget(
  objects: ObjectSet,
  region: ObjectRegion,
  transform: ImageTransform,
  side: number,
): LowResTarget {
  return averageMask(objects.map, (v) => v === region.id, objects.width, region.box, transform, side);
}

/**
 * {@link lowResTarget} of any pixels of a map that `isForeground` chooses, all of them inside `box`.
 * @param map [height, width] of the original image.
 */
export function averageMask(
  map: ArrayLike<number>,
  isForeground: (value: number) => boolean,
  width: number,
  box: Box,
  transform: ImageTransform,
  side: number,
): LowResTarget {
  const [x0, y0, x1, y1] = box;
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
      if (!isForeground(map[y * width + x] as number)) continue;
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
  const data = new Float32Array(side * side);
  let area = 0;
  for (let i = 0; i < data.length; i++) {
    // Sums of shares come out a few ulp off; a cell that is exactly half covered must not depend on that.
    if ((sums[i] as number) >= TARGET_THRESHOLD - 1e-9) {
      data[i] = 1;
      area++;
    }
  }
  return { data, side, area, vanished: pixels > 0 && area === 0 };
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
