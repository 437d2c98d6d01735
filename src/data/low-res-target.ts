import type { PictureTransform } from './preprocess.ts';
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
export const TARGET_CUT = 0.5;

/**
 * Averages an object over the cells of the low-res grid by exact area and cuts at 0.5. A cell covers modelSize / side model
 * pixels a side; the padding of the picture counts as background.
 */
export function lowResTarget(
  objects: ObjectSet,
  region: ObjectRegion,
  transform: PictureTransform,
  side: number,
): LowResTarget {
  return averageMask(objects.map, (v) => v === region.id, objects.width, region.box, transform, side);
}

/**
 * {@link lowResTarget} of any pixels of a map that `isForeground` chooses, all of them inside `box`.
 * @param map [height, width] of the original picture.
 */
export function averageMask(
  map: ArrayLike<number>,
  isForeground: (value: number) => boolean,
  width: number,
  box: Box,
  transform: PictureTransform,
  side: number,
): LowResTarget {
  const [x0, y0, x1, y1] = box;
  const cell = transform.modelSize / side;
  const columns = cellShares(x0, x1, transform.scaleX / cell);
  const rows = cellShares(y0, y1, transform.scaleY / cell);
  const sums = new Float64Array(side * side);
  const rowSums = new Float64Array(side);
  let any = false;
  for (let y = y0; y < y1; y++) {
    rowSums.fill(0);
    let found = false;
    for (let x = x0; x < x1; x++) {
      if (!isForeground(map[y * width + x] as number)) continue;
      found = true;
      addShares(columns, x - x0, 1, (c, share) => void (rowSums[c] = (rowSums[c] ?? 0) + share));
    }
    if (!found) continue;
    any = true;
    addShares(rows, y - y0, 1, (r, share) => {
      for (let c = columns.first; c <= columns.last && c < side; c++) {
        const at = r * side + c;
        if (r < side) sums[at] = (sums[at] as number) + share * (rowSums[c] as number);
      }
    });
  }
  const data = new Float32Array(side * side);
  let area = 0;
  for (let i = 0; i < data.length; i++) {
    // Sums of shares come out a few ulp off; a cell that is exactly half covered must not depend on that.
    if ((sums[i] as number) >= TARGET_CUT - 1e-9) {
      data[i] = 1;
      area++;
    }
  }
  return { data, side, area, vanished: any && area === 0 };
}

/** For original pixels start … end − 1 of one axis: the cells each overlaps and by how much of a cell's side. */
interface Shares {
  readonly start: number;
  /** Cells per original pixel. */
  readonly density: number;
  readonly first: number;
  readonly last: number;
}

function cellShares(start: number, end: number, density: number): Shares {
  return {
    start,
    density,
    first: Math.floor(start * density),
    last: Math.max(0, Math.ceil(end * density) - 1),
  };
}

function addShares(
  { start, density }: Shares,
  index: number,
  value: number,
  add: (cell: number, share: number) => void,
): void {
  const from = (start + index) * density;
  const to = (start + index + 1) * density;
  for (let cell = Math.floor(from); cell < to; cell++) {
    const share = Math.min(to, cell + 1) - Math.max(from, cell);
    if (share > 0) add(cell, share * value);
  }
}
