/** Against the official `SamAutomaticMaskGenerator`; its crops are in official.slow.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findDefaults } from '../../config/find.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { openTestGpu } from '../../testing/device.ts';
import { expectSameObjects, openOfficial } from '../../testing/official-masks.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { Finder, previewFloors } from './finder.ts';
import { selectObjects } from './select.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

test('finds the objects that SAM finds, and chooses anew without asking again', {
  timeout: 600_000,
}, async () => {
  const { model, image, caseOf } = await openOfficial(gpu);
  // Its thresholds go by its hash.
  expect(findDefaults(model.hash)).not.toEqual(findDefaults(null));
  const whole = caseOf('whole');
  const cleaned = caseOf('cleaned');
  expect(cleaned.settings.pointsPerSide).toBe(whole.settings.pointsPerSide);
  const before = gpu.allocatedBytes;
  const finder = await Finder.open(gpu, new GpuQueue(), model, null);
  const request = {
    sampling: whole.settings,
    scale: 'whole',
    floors: previewFloors(cleaned.settings),
  } as const;
  const proposals = await finder.propose(image, request);
  await finder.release();
  expect(gpu.allocatedBytes).toBe(before);
  for (const { settings, masks } of [whole, cleaned]) {
    expect(masks.length).toBeGreaterThan(3);
    expectSameObjects(selectObjects(proposals, image, settings), masks, image);
  }
});
