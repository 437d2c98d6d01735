import { encodeMaskPng } from '../encode-png.ts';
import { encodeLabelTiff } from '../encode-tiff.ts';
import { areaOf, fillRuns } from '../labels/runs.ts';
import { IGNORED } from '../objects.ts';
import type { LabelMap } from '../types.ts';
import { pixelsOf, TooMuchWork } from './rasterise.ts';
import type { PlacedObject } from './shape.ts';

/** Pixels that the objects of one image may be drawn with; more is no image that a person annotated. */
const MOST_DRAWN = 2 ** 31;

/** The objects of one image as pixels. */
export interface Drawing {
  /** Every object by its number, 1 for the first; ignored pixels are {@link IGNORED}. */
  readonly instances: LabelMap;
  /** Objects, in their order, without the ignored ones. */
  readonly objects: readonly DrawnObject[];
}

export interface DrawnObject {
  /** Its place in the list it was drawn from. */
  readonly index: number;
  /** Pixels of its own shape within the image. */
  readonly area: number;
  /** Pixels of it that smaller objects lie on. */
  readonly hidden: number;
}

/**
 * Draws objects, the smaller on top of the larger, ignored ones below all.
 * @throws {TooMuchWork}
 */
export function drawObjects(
  objects: readonly PlacedObject[],
  { width, height }: { readonly width: number; readonly height: number },
): Drawing {
  const data = new Int32Array(width * height);
  const visible = new Int32Array(objects.length + 1);
  let drawn = 0;
  const shapes = objects.map(({ shape, isIgnored = false }, index) => {
    const runs = pixelsOf(shape, { width, height });
    const area = areaOf(runs);
    drawn += area;
    if (drawn > MOST_DRAWN) throw new TooMuchWork();
    return { index, isIgnored, runs, area };
  });
  const order = shapes.toSorted((a, b) => Number(b.isIgnored) - Number(a.isIgnored) || b.area - a.area);
  for (const { index, isIgnored, runs, area } of order) {
    if (isIgnored) {
      fillRuns(runs, data, IGNORED);
      continue;
    }
    visible[index + 1] = area;
    for (let i = 0; i < runs.length; i += 2) {
      const start = runs[i] as number;
      for (let at = start; at < start + (runs[i + 1] as number); at++) {
        const below = data[at] as number;
        if (below > 0) visible[below] = (visible[below] as number) - 1;
        data[at] = index + 1;
      }
    }
  }
  return {
    instances: { width, height, data },
    objects: shapes
      .filter(({ isIgnored }) => !isIgnored)
      .map(({ index, area }) => ({ index, area, hidden: area - (visible[index + 1] as number) })),
  };
}

/** Whether the values of a map fit a PNG, which has no negative ones. */
export function fitsPng(largest: number, hasIgnored: boolean): boolean {
  return largest <= 65_535 && !hasIgnored;
}

/** A map as a file: a PNG of 8 or 16 bits, or, where values do not fit it, a TIFF of signed 32-bit integers. */
export function encodeMap(map: LabelMap, asPng: boolean): Uint8Array {
  return asPng ? encodeMaskPng(map) : encodeLabelTiff(map, 'int32');
}
