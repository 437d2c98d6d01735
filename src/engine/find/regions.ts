import type { Runs } from '../../data/labels/types.ts';
import { maskInBox, runsInBox } from '../../data/mask-runs.ts';
import { findObjects } from '../../data/objects.ts';
import type { Box } from '../../data/types.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Fills holes of fewer pixels than `least` and then removes parts of fewer, the largest excepted where all are smaller
 * (`remove_small_regions` of segment_anything/utils/amg.py). Neighbours are 8-connected, for background too.
 * @returns the same runs where nothing was to be done.
 */
export function withoutSmallRegions(runs: Runs, box: Box, image: Size, least: number): Runs {
  if (runs.length === 0) return runs;
  // With a margin of background, in which everything outside is connected.
  const frame = [
    Math.max(0, box[0] - 1),
    Math.max(0, box[1] - 1),
    Math.min(image.width, box[2] + 1),
    Math.min(image.height, box[3] + 1),
  ] as const;
  const mask = maskInBox(runs, frame, image);
  const isFilled = fillHoles(mask, frame, image, least);
  const isPruned = removeIslands(mask, frame, least);
  return isFilled || isPruned ? runsInBox(mask, frame, image) : runs;
}

function fillHoles(mask: Uint8Array, [x0, y0, x1, y1]: Box, { width, height }: Size, least: number): boolean {
  const [columns, rows] = [x1 - x0, y1 - y0];
  const { map, regions } = partsOf(mask, columns, rows, 0);
  const areas = new Map(regions.map(({ id, area }) => [id, area]));
  const add = (at: number, pixels: number): void => {
    const id = map[at] ?? 0;
    areas.set(id, (areas.get(id) ?? 0) + pixels);
  };
  // What lies outside of the frame belongs to the background at its margin.
  if (x0 > 0) add(0, x0 * height);
  if (x1 < width) add(columns - 1, (width - x1) * height);
  if (y0 > 0) add(0, y0 * columns);
  if (y1 < height) add((rows - 1) * columns, (height - y1) * columns);
  return change(mask, map, 1, (id) => (areas.get(id) ?? 0) < least);
}

function removeIslands(mask: Uint8Array, [x0, y0, x1, y1]: Box, least: number): boolean {
  const { map, regions } = partsOf(mask, x1 - x0, y1 - y0, 1);
  const areas = new Map(regions.map(({ id, area }) => [id, area]));
  // Regions are sorted by their areas.
  const [largest] = regions;
  return change(mask, map, 0, (id) => id !== largest?.id && (areas.get(id) ?? 0) < least);
}

function partsOf(mask: Uint8Array, width: number, height: number, value: 0 | 1) {
  const data = Int32Array.from(mask, (pixel) => (pixel === value ? 1 : 0));
  return findObjects({ width, height, data }, 'components');
}

/** Gives the parts of a map another value. @returns whether there were any. */
function change(
  mask: Uint8Array,
  map: Int32Array,
  value: 0 | 1,
  isChanged: (id: number) => boolean,
): boolean {
  const changed = new Map<number, boolean>();
  let any = false;
  for (let i = 0; i < map.length; i++) {
    const id = map[i] as number;
    if (id <= 0) continue;
    let chosen = changed.get(id);
    if (chosen === undefined) {
      chosen = isChanged(id);
      changed.set(id, chosen);
    }
    if (!chosen) continue;
    mask[i] = value;
    any = true;
  }
  return any;
}
