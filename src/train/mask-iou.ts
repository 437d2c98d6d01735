import { lowResOf, type SamConfig } from '../config/sam.ts';
import { IGNORED } from '../data/objects.ts';
import type { ImageTransform } from '../data/preprocess.ts';
import type { ObjectRegion, ObjectSet } from '../data/types.ts';
import { resizePlaneOnHost } from '../sam/resize-host.ts';

/**
 * IoU of low-res logits, scaled to the image as SAM does, with an object: an entry for each threshold. One pass over
 * the image, however many thresholds there are. Ignored pixels count for neither mask.
 */
export function iousOnImage(
  logits: Float32Array,
  sam: SamConfig,
  transform: ImageTransform,
  objects: ObjectSet,
  region: ObjectRegion,
  thresholds: readonly number[],
): number[] {
  const scaled = logitsOnImage(logits, sam, transform);
  const ascending = [...thresholds].sort((a, b) => a - b);
  // Pixels of the object, and others, by how many thresholds they pass.
  const inside = new Uint32Array(ascending.length + 1);
  const outside = new Uint32Array(ascending.length + 1);
  for (let i = 0; i < scaled.length; i++) {
    if (objects.map[i] === IGNORED) continue;
    const value = scaled[i] ?? 0;
    let passed = 0;
    while (passed < ascending.length && value > (ascending[passed] ?? 0)) passed++;
    const counts = objects.map[i] === region.id ? inside : outside;
    counts[passed] = (counts[passed] ?? 0) + 1;
  }
  const from = (counts: Uint32Array, least: number) =>
    counts.subarray(least).reduce((sum, count) => sum + count, 0);
  return thresholds.map((threshold) => {
    const least = ascending.indexOf(threshold) + 1;
    const either = from(inside, 0) + from(outside, least);
    return either === 0 ? 1 : from(inside, least) / either;
  });
}

/** SAM's postprocess_masks of one mask: to the model's square, without its padding, to the image: [height, width]. */
function logitsOnImage(
  logits: Float32Array,
  sam: SamConfig,
  { inputSize, originalSize }: ImageTransform,
): Float32Array {
  const side = lowResOf(sam);
  const size = sam.imageSize;
  const square = resizePlaneOnHost(logits, [side, side], [size, size]);
  const [height, width] = inputSize;
  const cropped = new Float32Array(height * width);
  for (let y = 0; y < height; y++) cropped.set(square.subarray(y * size, y * size + width), y * width);
  return resizePlaneOnHost(cropped, inputSize, originalSize);
}
