import type { ImageRecord } from './preprocess.ts';
import { imageTransform } from './preprocess.ts';
import type { ObjectFacts } from './types.ts';

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
  return {
    what: `${which} under ${minSize} pixels wide on a model of ${size} pixels: too small to train on or to measure.`,
    cure: 'Cut the images into smaller ones around the objects, or use a model with a larger input.',
  };
}
