import { afterAll, beforeAll, expect, test } from 'vitest';
import { findObjects } from '../data/objects.ts';
import { imageTransform } from '../data/preprocess.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { SamModel } from '../sam/weights.ts';
import { openTestGpu } from '../testing/device.ts';
import { openMicroModel } from '../testing/micro-model.ts';
import { drawSample } from '../testing/training-sets.ts';
import { GpuQueue } from './gpu-queue.ts';
import { disagreement, iouWith, reasonOf, scoreOf, stabilityOf, uncertainty } from './label-doubt.ts';
import { BASE_WEIGHTS, Segmenter } from './segmenter.ts';

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openMicroModel(gpu);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

/** An image of 8 × 4 pixels with a bar of 4 × 4 on the left, and below it a strip that takes no part. */
const data = Int32Array.from({ length: 32 }, (_, i) => (i >= 24 ? -1 : i % 8 < 4 ? 1 : 0));
const objects = findObjects({ width: 8, height: 4, data }, 'ids');
const [bar] = objects.regions;
const transform = imageTransform(8, 4, { size: 16, aspect: 'keep' });
/** Cells are pixels of the image; the lower half is padding, where the mask is set. */
const answer = (isSet: (x: number, y: number) => boolean) => ({
  logits: Float32Array.from({ length: 64 }, (_, i) => (i >= 32 || isSet(i % 8, i >> 3) ? 3 : -3)),
  side: 8,
  predictedIou: 0.5,
  threshold: 0,
  transform,
});

test('the IoU of a mask and a label leaves out padding and what takes no part', () => {
  if (!bar) throw new Error('no object');
  const iou = (isSet: (x: number, y: number) => boolean) =>
    iouWith(answer(isSet), objects, bar, [0, 0, 8, 4]);
  expect(iou((x) => x < 4)).toBe(1);
  expect(iou((x) => x < 2)).toBe(0.5);
  expect(iou((x, y) => x < 4 || y === 3)).toBe(1);
  expect(iou((x) => x >= 4)).toBe(0);
  // Of a region that begins elsewhere.
  const beside = { ...answer(() => true), transform: imageTransform(4, 4, { size: 16, aspect: 'keep' }) };
  expect(iouWith(beside, objects, bar, [4, 0, 8, 4])).toBeNull();
});

test('stability is the share of a mask that a higher threshold leaves', () => {
  const logits = Float32Array.of(5, 5, 0.5, -0.5, -5);
  expect(stabilityOf({ logits, threshold: 0 })).toBe(0.5);
  expect(stabilityOf({ logits, threshold: 8 })).toBe(0);
});

test('what is less sure or agrees less comes sooner, with its figures', () => {
  const unsure = { kind: 'unsure', points: 16, iou: 0.5, stability: 0.8 } as const;
  expect(scoreOf(unsure)).toBeCloseTo(0.6);
  expect(reasonOf(unsure)).toBe(
    'The model expects an IoU of 0.50 for its masks of 16 points, and their edges are stable to 0.80.',
  );
  const wrong = { kind: 'disagrees', objects: 3, worst: 0.25, mean: 0.7 } as const;
  expect(scoreOf(wrong)).toBe(0.75);
  expect(reasonOf(wrong)).toBe(
    'The model’s mask and the label of one object have an IoU of 0.25; of 3 objects the mean is 0.70.',
  );
  expect(scoreOf({ kind: 'disagrees', objects: 0, worst: null, mean: 0 })).toBe(0);
});

test('a model is asked at points of a grid, and with the boxes of labelled objects', async () => {
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const sample = drawSample('a.png', 1);
  const unsure = await uncertainty(segmenter, BASE_WEIGHTS, { id: 'a', sample, scale: 'whole' });
  expect(unsure).toMatchObject({ kind: 'unsure', points: 16 });
  expect(scoreOf(unsure)).toBeGreaterThanOrEqual(0);
  expect(scoreOf(unsure)).toBeLessThanOrEqual(1);
  const compared = await disagreement(segmenter, BASE_WEIGHTS, { id: 'a', sample, scale: 'whole' });
  expect(compared).toMatchObject({ kind: 'disagrees', objects: 2 });
  // In crops, the objects that lie in the one around the largest.
  expect(await disagreement(segmenter, BASE_WEIGHTS, { id: 'a', sample, scale: 20 })).toMatchObject({
    objects: 1,
  });
  const none = { ...sample, objects: { ...sample.objects, regions: [] } };
  expect(
    await disagreement(segmenter, BASE_WEIGHTS, { id: 'a', sample: none, scale: 'whole' }),
  ).toMatchObject({ worst: null });
  await segmenter.release();
});
