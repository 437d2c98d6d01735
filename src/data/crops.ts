import type { LoadedSample } from './dataset.ts';
import type { Box, ObjectRegion, ObjectSet, RgbImage, Scale } from './types.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size in which a model sees an image of that size: the image's own, or that of a crop. */
export function seenSize({ width, height }: Size, scale: Scale): Size {
  if (scale === 'whole') return { width, height };
  return { width: Math.min(width, scale), height: Math.min(height, scale) };
}

/** The square of `side` pixels around the middle of a box, or more where the box is larger, moved into the image. */
export function windowAround([x0, y0, x1, y1]: Box, side: number, { width, height }: Size): Box {
  const least = Math.max(side, x1 - x0, y1 - y0);
  const along = (from: number, to: number, limit: number): [number, number] => {
    const length = Math.min(least, limit);
    const start = Math.round((from + to - length) / 2);
    const moved = Math.max(0, Math.min(start, limit - length));
    return [moved, moved + length];
  };
  const [left, right] = along(x0, x1, width);
  const [top, bottom] = along(y0, y1, height);
  return [left, top, right, bottom];
}

/** The pixels inside of a box. */
export function cropImage({ width, data }: RgbImage, [x0, y0, x1, y1]: Box): RgbImage {
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++) {
    out.set(data.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3);
  }
  return { width: x1 - x0, height: y1 - y0, channels: 3, data: out };
}

/** A mask of the pixels inside of a box, as a mask of the whole image, with 0 outside of it. */
export function placeMask(
  mask: Uint8Array,
  [x0, y0, x1, y1]: Box,
  { width, height }: Size,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(width * height);
  for (let y = y0; y < y1; y++) {
    const from = (y - y0) * (x1 - x0);
    out.set(mask.subarray(from, from + x1 - x0), y * width + x0);
  }
  return out;
}

/** A crop of a sample with objects that lie in it as a whole. */
export interface SampleCrop {
  readonly window: Box;
  readonly sample: Pick<LoadedSample, 'name' | 'image' | 'objects'>;
}

/**
 * The first objects of a sample, each in the crop around it; those that lie in the crop of an earlier one share it. An
 * object's mask is a mask of the image outside of which nothing is marked, so IoUs are those of the original pixels.
 * @param side of a crop; an object that is larger has a larger one.
 */
export function objectCrops(
  { name, image, objects }: Pick<LoadedSample, 'name' | 'image' | 'objects'>,
  side: number,
  maxObjects: number,
): SampleCrop[] {
  const windows: { readonly window: Box; readonly regions: ObjectRegion[] }[] = [];
  for (const region of objects.regions.slice(0, maxObjects)) {
    const known = windows.find(({ window }) => isInside(region.box, window));
    if (known) known.regions.push(region);
    else windows.push({ window: windowAround(region.box, side, image), regions: [region] });
  }
  return windows.map(({ window, regions }) => ({
    window,
    sample: { name, image: cropImage(image, window), objects: cropObjects(objects, window, regions) },
  }));
}

const isInside = (inner: Box, outer: Box) =>
  inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];

function cropObjects(
  { width, map }: ObjectSet,
  [x0, y0, x1, y1]: Box,
  regions: readonly ObjectRegion[],
): ObjectSet {
  const size = { width: x1 - x0, height: y1 - y0 };
  const out = new Int32Array(size.width * size.height);
  for (let y = y0; y < y1; y++) out.set(map.subarray(y * width + x0, y * width + x1), (y - y0) * size.width);
  const moved = regions.map(({ box, ...rest }) => ({
    ...rest,
    box: [box[0] - x0, box[1] - y0, box[2] - x0, box[3] - y0] as const,
  }));
  return { ...size, map: out, regions: moved };
}
