import { IGNORED } from '../data/objects.ts';
import { imageTransform } from '../data/preprocess.ts';
import type { Box, ObjectRegion, ObjectSet } from '../data/types.ts';

/** Most pixels of an image's longer side at which masks are measured in a validation. */
export const VALIDATION_SIDE = 1024;

/** One object and the map that its masks are compared with. */
export interface MeasuredObject {
  readonly objects: ObjectSet;
  readonly region: ObjectRegion;
}

/**
 * Gives the objects of an image at a size of which no side is longer than `mostPixels`; an image that is no larger
 * keeps them as they are. A pixel of that size is the object's where the object covers at least half of it; if there
 * is none, where it covers most. A pixel of which half is ignored is ignored.
 */
export function measuredAt(objects: ObjectSet, mostPixels: number): (region: ObjectRegion) => MeasuredObject {
  const { width, height, map } = objects;
  if (Math.max(width, height) <= mostPixels) return (region) => ({ objects, region });
  const { inputSize } = imageTransform(width, height, { size: mostPixels, aspect: 'keep' });
  const [toHeight, toWidth] = inputSize;
  const whole: Box = [0, 0, width, height];
  const half = (width * height) / 2;
  const ignored = new Int32Array(toHeight * toWidth);
  if (map.includes(IGNORED)) {
    coveredAreas(objects, IGNORED, whole, inputSize).forEach((area, i) => {
      if (area >= half) ignored[i] = IGNORED;
    });
  }
  return (region) => {
    const covered = coveredAreas(objects, region.id, region.box, inputSize);
    const reduced = ignored.slice();
    let area = 0;
    for (let i = 0; i < covered.length; i++) {
      if ((covered[i] as number) < half || ignored[i] === IGNORED) continue;
      reduced[i] = region.id;
      area++;
    }
    if (area === 0) {
      const most = covered.reduce((a, b) => Math.max(a, b), 0);
      for (let i = 0; i < covered.length; i++) {
        if (covered[i] !== most) continue;
        reduced[i] = region.id;
        area++;
      }
    }
    return {
      objects: { width: toWidth, height: toHeight, map: reduced, regions: objects.regions },
      region: { ...region, area },
    };
  };
}

/**
 * The area of each pixel of a smaller size that pixels of one value cover, all of them inside `box`; a whole one has
 * width · height, so that all areas are whole numbers. [toHeight, toWidth].
 */
function coveredAreas(
  { width, height, map }: ObjectSet,
  value: number,
  [x0, y0, x1, y1]: Box,
  [toHeight, toWidth]: readonly [height: number, width: number],
): Float64Array {
  const columns = overlaps(width, toWidth);
  const rows = overlaps(height, toHeight);
  const areas = new Float64Array(toHeight * toWidth);
  // One more, for the part of the last pixel beyond it, which is 0.
  const line = new Float64Array(toWidth + 1);
  const [from, end] = [columns.cell[x0] as number, (columns.cell[x1 - 1] as number) + 2];
  const add = (row: number, share: number) => {
    if (share === 0) return;
    for (let c = from, at = row * toWidth + from; c < Math.min(end, toWidth); c++, at++)
      areas[at] = (areas[at] as number) + share * (line[c] as number);
  };
  for (let y = y0; y < y1; y++) {
    line.fill(0, from, end);
    for (let x = x0; x < x1; x++) {
      if (map[y * width + x] !== value) continue;
      const c = columns.cell[x] as number;
      line[c] = (line[c] as number) + (columns.first[x] as number);
      line[c + 1] = (line[c + 1] as number) + (columns.second[x] as number);
    }
    const row = rows.cell[y] as number;
    add(row, rows.first[y] as number);
    add(row + 1, rows.second[y] as number);
  }
  return areas;
}

/**
 * For every pixel of an axis the first cell of a coarser one that it lies in, and the lengths that it has in that cell
 * and in the next; a pixel is `to` long and a cell `from`.
 */
function overlaps(from: number, to: number) {
  const cell = new Int32Array(from);
  const first = new Float64Array(from);
  const second = new Float64Array(from);
  for (let i = 0; i < from; i++) {
    const at = Math.floor((i * to) / from);
    const inside = Math.min(to, (at + 1) * from - i * to);
    cell[i] = at;
    first[i] = inside;
    second[i] = to - inside;
  }
  return { cell, first, second };
}
