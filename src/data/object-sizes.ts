import type { ImageRecord } from './preprocess.ts';
import { imageTransform } from './preprocess.ts';
import type { ObjectFacts, Scale } from './types.ts';

/** Which objects are too small to be trained on or measured. */
export interface ObjectLimit {
  /** Fewest pixels on the model's input, as the side of a square of that area; 0 sets no limit. */
  readonly minSize: number;
  /** Smallest share of the image, 0–1; 0 sets no limit. */
  readonly minArea: number;
}

/** Side in pixels of the embedded model's input. */
export const EMBEDDED_IMAGE_SIZE = 256;

/** Fewest pixels that an object of an image of that size must have, for a model that sees the whole image. */
export function leastArea(
  { minSize, minArea }: ObjectLimit,
  { width, height }: { readonly width: number; readonly height: number },
  record: Pick<ImageRecord, 'size' | 'aspect'>,
): number {
  const { scaleX, scaleY } = imageTransform(width, height, record);
  return Math.max(minArea * width * height, (minSize * minSize) / (scaleX * scaleY));
}

/** An image and its objects, as far as their sizes matter. */
export interface SizedImage {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly Pick<ObjectFacts, 'area'>[];
}

/** Pixels that the median object should be wide where the model sees it. */
const GOOD_SIZE = 16;
/** Sides of crops are multiples of this. */
const CROP_STEP = 32;
/** Crops of this share of an image's longer side are not worth it. */
const NEARLY_WHOLE = 0.8;

/** How a dataset is best seen by a model, and why. */
export interface SuggestedScale {
  readonly scale: Scale;
  /** Of all objects: the side of a square of the same area, pixels of the images. */
  readonly medianWidth: number;
}

/**
 * `whole` where the median object is at least 16 pixels wide on a model of `size` pixels, or where crops in which it is
 * would hold most of the largest image; else the side of such crops.
 */
export function suggestScale(images: readonly SizedImage[], size: number): SuggestedScale {
  const widths: number[] = [];
  const shown: number[] = [];
  let longest = 0;
  for (const { width, height, objects } of images) {
    longest = Math.max(longest, width, height);
    for (const { area } of objects) {
      widths.push(Math.sqrt(area));
      shown.push((Math.sqrt(area) * size) / Math.max(width, height));
    }
  }
  const medianWidth = median(widths);
  const side = Math.max(CROP_STEP, CROP_STEP * Math.floor((medianWidth * size) / GOOD_SIZE / CROP_STEP));
  const isWhole = widths.length === 0 || median(shown) >= GOOD_SIZE || side >= NEARLY_WHOLE * longest;
  return { scale: isWhole ? 'whole' : side, medianWidth };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** "The median object is 12 pixels wide …": why crops of that side were chosen. */
export function scaleSentence({ scale, medianWidth }: SuggestedScale, size: number): string | null {
  if (scale === 'whole') return null;
  const width = medianWidth.toFixed(medianWidth < 10 ? 1 : 0);
  const shown = Math.round((medianWidth * size) / scale);
  return `The median object is ${width} pixels wide; in crops of ${scale} pixels a model of ${size} pixels sees it ${shown} pixels wide.`;
}

/**
 * What to say of objects that are under `minSize` pixels wide where a model of `size` pixels sees their images whole;
 * null when none is.
 */
export function smallObjectsRemark(
  images: readonly SizedImage[],
  size: number,
  minSize: number,
): { readonly what: string; readonly cure: string } | null {
  let small = 0;
  let objects = 0;
  for (const image of images) {
    const least = leastArea({ minSize, minArea: 0 }, image, { size, aspect: 'keep' });
    objects += image.objects.length;
    for (const { area } of image.objects) if (area < least) small++;
  }
  if (small === 0) return null;
  const which =
    small < objects
      ? `${small} of ${objects} objects are`
      : objects === 1
        ? 'The only object is'
        : `All ${objects} objects are`;
  const suggested = suggestScale(images, size);
  const crops = suggested.scale === 'whole' ? 256 : suggested.scale;
  return {
    what: `${which} under ${minSize} pixels wide on a model of ${size} pixels: too small to train on or to measure.`,
    cure: `Train and evaluate on crops (--scale ${crops}). ${scaleSentence(suggested, size) ?? ''}`.trimEnd(),
  };
}
