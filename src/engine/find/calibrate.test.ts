import { expect, test } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import type { LoadedSample } from '../../data/dataset.ts';
import { maskObject } from '../../data/mask-runs.ts';
import { findObjects } from '../../data/objects.ts';
import { calibrated, learntLikeness, leastKnown } from './calibrate.ts';
import type { Finder } from './finder.ts';
import type { Proposal } from './select.ts';

const SIZE = { width: 20, height: 10 };
const image = { ...SIZE, channels: 3, data: new Uint8Array(600) } as const;

/** Columns [x, x + 4) of the first four rows. */
const runsAt = (x: number) => Uint32Array.from([0, 1, 2, 3].flatMap((y) => [y * SIZE.width + x, 4]));
const proposal = (x: number, predictedIou: number): Proposal => ({
  ...maskObject(runsAt(x), SIZE.width),
  predictedIou,
  stability: 0.9,
  point: [x, 1],
  crop: 0,
  cropArea: 200,
});

/** An image whose one object begins at a column. */
function sample(x: number): LoadedSample {
  const data = new Int32Array(200);
  for (let y = 0; y < 4; y++) data.fill(1, y * SIZE.width + x, y * SIZE.width + x + 4);
  return { name: `${x}.png`, image, objects: findObjects({ ...SIZE, data }, 'ids'), refusals: [] };
}

test('thresholds are chosen by what a model answers on images whose objects are known', async () => {
  const searched: unknown[] = [];
  // Sure of a wrong mask at column 14, and less of the right one.
  const finder = {
    propose: async (of: unknown) => {
      searched.push(of);
      return [proposal(1, 0.62), proposal(14, 0.4)];
    },
  } as unknown as Finder;
  const settings = parseFindSettings({ maxArea: 0.5, pointsPerSide: 4 });
  const samples = [1, 1].map((x) => async () => sample(x));
  const done: number[][] = [];
  const chosen = await calibrated(finder, samples, { settings, scale: 'whole' }, () => 4, {
    onProgress: (...progress) => done.push(progress),
  });
  expect(searched).toEqual([image, image]);
  expect(done).toEqual([
    [0, 2],
    [1, 2],
    [2, 2],
  ]);
  expect(chosen?.calibration).toMatchObject({
    images: 2,
    settings: { pointsPerSide: 4, iou: 0.6, minArea: 4 },
    before: { objects: 2, found: 0, right: 0 },
    after: { objects: 2, found: 2, right: 2 },
  });
  // Where all known objects are too small, or there is no image, nothing is known.
  expect(await calibrated(finder, samples, { settings, scale: 'whole' }, () => 99)).toBeNull();
  expect(await calibrated(finder, [], { settings, scale: 'whole' }, () => 4)).toBeNull();
  const stop = { signal: AbortSignal.abort(new Error('stop')) };
  await expect(calibrated(finder, samples, { settings, scale: 'whole' }, () => 4, stop)).rejects.toThrow(
    'stop',
  );
});

test('where the model is sure of the wrong masks, what is like the known objects is chosen', async () => {
  // The wrong answer is surer, and lies where the embedding is another.
  const found = (x: number, signal: number, predictedIou: number): Proposal => ({
    ...proposal(x, predictedIou),
    feature: Float32Array.of(signal, 1),
  });
  const finder = {
    propose: async () => [found(1, 1, 0.5), found(14, -1, 0.9)],
  } as unknown as Finder;
  const settings = parseFindSettings({ maxArea: 0.5, pointsPerSide: 4 });
  const samples = [1, 1, 1].map((x) => async () => sample(x));
  const found3 = await calibrated(finder, samples, { settings, scale: 'whole' }, () => 4);
  expect(found3?.calibration).toMatchObject({
    settings: { iou: 0.2, stability: 0.2 },
    before: { objects: 3, found: 0, right: 0 },
    after: { objects: 3, found: 3, right: 3 },
  });
  expect(found3?.calibration.settings.likeness).toBeGreaterThan(0);
  const likenessOf = (each: Proposal) => found3?.likeness?.of(each, each.feature ?? new Float32Array());
  expect(likenessOf(found(1, 1, 0.5))).toBeGreaterThan(likenessOf(found(14, -1, 0.9)) ?? 1);
  // The same is learnt where thresholds are chosen already.
  const learnt = await learntLikeness(finder, samples, { settings, scale: 'whole' }, () => 4);
  expect(learnt?.tensors).toEqual(found3?.likeness?.tensors);
  // Asked again, the counts before are those of the likeness that was chosen.
  const again = await calibrated(
    finder,
    samples,
    { settings: found3?.calibration.settings ?? settings, scale: 'whole' },
    () => 4,
  );
  expect(again?.calibration.before).toEqual({ objects: 3, found: 3, right: 3 });
});

test('objects are too small to be known as they are for training', () => {
  const config = { imageSize: 40, preprocessing: { aspect: 'keep' } } as never;
  // Four pixels wide on the model's input, on which an image of 20 pixels is twice as large.
  expect(leastKnown({ image }, 'whole', { config }, null)).toBe(4);
});
