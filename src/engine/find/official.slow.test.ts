/** Crops against those of the official `SamAutomaticMaskGenerator`: five passes of the encoder. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Gpu } from '../../gpu/gpu.ts';
import { openTestGpu } from '../../testing/device.ts';
import { expectSameObjects, openOfficial } from '../../testing/official-masks.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { Finder, floorsOf } from './finder.ts';
import { selectObjects } from './select.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

test('finds in crops what SAM finds in them', { timeout: 900_000 }, async () => {
  const { model, image, caseOf } = await openOfficial(gpu);
  const { settings, masks } = caseOf('crops');
  const finder = await Finder.open(gpu, new GpuQueue(), model, null);
  const request = { sampling: settings, scale: 'whole', floors: floorsOf(settings) } as const;
  let clicks = 0;
  const proposals = await finder.propose(image, request, { onProgress: (done) => (clicks = done) });
  expect(clicks).toBe(5 * settings.pointsPerSide ** 2);
  const found = selectObjects(proposals, image, settings);
  expect(masks.length).toBeGreaterThan(3);
  expectSameObjects(found, masks, image);
});
