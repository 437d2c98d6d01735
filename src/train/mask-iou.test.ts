import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { lowResOf, type SamConfig } from '../config/sam.ts';
import { findObjects, IGNORED } from '../data/objects.ts';
import { type ImageTransform, imageTransform } from '../data/preprocess.ts';
import type { ObjectRegion, ObjectSet } from '../data/types.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { iousOnImage } from './mask-iou.ts';
import { MASK_THRESHOLDS } from './mask-threshold.ts';

/** Bilinear, align_corners=False, every pixel on its own. */
function resized(
  plane: Float32Array,
  [h, w]: readonly number[],
  [outH, outW]: readonly number[],
): Float32Array {
  const [height, width, toHeight, toWidth] = [h ?? 0, w ?? 0, outH ?? 0, outW ?? 0];
  const source = (o: number, from: number, to: number) => {
    const at = Math.max(((o + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(at), from - 1);
    return { low, high: Math.min(low + 1, from - 1), share: at - low };
  };
  return Float32Array.from({ length: toHeight * toWidth }, (_, i) => {
    const row = source(Math.floor(i / toWidth), height, toHeight);
    const column = source(i % toWidth, width, toWidth);
    const across = (y: number) =>
      (plane[y * width + column.low] ?? 0) * (1 - column.share) +
      (plane[y * width + column.high] ?? 0) * column.share;
    return across(row.low) * (1 - row.share) + across(row.high) * row.share;
  });
}

/** IoUs by whole planes of the image's size, pixel by pixel and threshold by threshold. */
function plainIous(
  logits: Float32Array,
  sam: SamConfig,
  { inputSize, originalSize }: ImageTransform,
  objects: ObjectSet,
  region: ObjectRegion,
  thresholds: readonly number[],
): number[] {
  const side = lowResOf(sam);
  const size = sam.imageSize;
  const square = resized(logits, [side, side], [size, size]);
  const [height, width] = inputSize;
  const shown = Float32Array.from(
    { length: height * width },
    (_, i) => square[Math.floor(i / width) * size + (i % width)] ?? Number.NaN,
  );
  const scaled = resized(shown, inputSize, originalSize);
  return thresholds.map((threshold) => {
    let [both, either] = [0, 0];
    for (const [i, value] of scaled.entries()) {
      if (objects.map[i] === IGNORED) continue;
      const isObject = objects.map[i] === region.id;
      if (value > threshold && isObject) both++;
      if (value > threshold || isObject) either++;
    }
    return either === 0 ? 1 : both / either;
  });
}

/** Discs on a ground of which a band is ignored. */
function drawnObjects(width: number, height: number, hasIgnored: boolean): ObjectSet {
  const data = Int32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (hasIgnored && Math.abs(x - width / 2) < width / 12) return IGNORED;
    if (Math.hypot(x - width / 3, y - height / 2) < Math.min(width, height) / 4) return 1;
    return Math.hypot(x - width / 1.2, y - height / 3) < Math.min(width, height) / 8 ? 2 : 0;
  });
  return findObjects({ width, height, data }, 'ids');
}

const side = lowResOf(MICRO_SAM);
const LOGITS: Readonly<Record<string, (random: Random, i: number) => number>> = {
  noise: (random) => random.range(-3, 3),
  blob: (random, i) => 3 - Math.hypot((i % side) - 5, Math.floor(i / side) - 8) + random.range(-0.3, 0.3),
  'steps exactly at thresholds': (random) => random.integer(9) / 2 - 2,
  nothing: () => -9,
  everything: () => 9,
  'one cell in a corner': (_, i) => (i === side - 1 ? 4 : -4),
  'not a number': (_, i) => (i % 5 === 0 ? Number.NaN : 1),
};

describe('the IoU at the size of the image', () => {
  it.each([
    [40, 28],
    [28, 40],
    [61, 47],
    [7, 5],
    [1, 60],
    [32, 32],
    [20, 9],
  ])('is to the digit what whole planes give: %i × %i', (width, height) => {
    const random = Random.fromSeed(3, `${width}`);
    const transform = imageTransform(width, height, { size: MICRO_SAM.imageSize, aspect: 'keep' });
    for (const hasIgnored of [false, true]) {
      const objects = drawnObjects(width, height, hasIgnored);
      for (const [name, logitOf] of Object.entries(LOGITS)) {
        const logits = Float32Array.from({ length: side * side }, (_, i) => logitOf(random, i));
        for (const region of objects.regions) {
          for (const thresholds of [MASK_THRESHOLDS, [0], [-1.3], [2, 2, -9]])
            expect(iousOnImage(logits, MICRO_SAM, transform, objects, region, thresholds), name).toEqual(
              plainIous(logits, MICRO_SAM, transform, objects, region, thresholds),
            );
        }
      }
    }
  });
});
