import { expect, test } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import { ImageCache, reductionOf } from './image-cache.ts';

const config = parseTrainConfig({ minCrop: 0.5 });

test('images are reduced as long as the smallest crop keeps the pixels of the model', () => {
  const sam = { imageSize: 1024 };
  const of = (width: number, height: number, minCrop = 0.5) =>
    reductionOf({ width, height }, sam, { minCrop });
  expect([of(4000, 3000), of(4096, 3000), of(3000, 6144), of(500, 400), of(4000, 3000, 1)]).toEqual([
    1, 2, 3, 1, 3,
  ]);
});

test('an image is the same, and of the size that is said, whether it was kept or not', async () => {
  const size = MICRO_SAM.imageSize;
  const set = {
    ...drawnSet('a', 1),
    load: async (name: string) => ({ ok: true, value: drawSample(name, 1, 6 * size, 4 * size) }) as const,
  };
  const cache = new ImageCache(MICRO_SAM, config, 2 ** 20);
  const first = await cache.load(set, 'x.png');
  const again = await cache.load(set, 'x.png');
  expect(again).toEqual(first);
  if (!first.ok || !first.value) throw new Error('a drawn image is labelled');
  const { image, labels } = first.value;
  expect([image.width, labels.height]).toEqual([2 * size, Math.floor((4 * size) / 3)]);
  expect(cache.bytes).toBeGreaterThan(image.data.length);
  expect(cache.bytes).toBeLessThan(2 * image.data.length);
});
