import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../../gpu/gpu.ts';
import { openTestGpu } from '../../../testing/device.ts';
import { CASES } from './cases.ts';
import { prepareOurs } from './ours.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

it('runs attention’s own pass, which no registry walk reaches alone, and agrees with float64', async () => {
  const bench = CASES.get('softmax')?.();
  if (!bench) throw new RangeError('there is no such case');
  const ours = await prepareOurs(gpu, bench);
  for (const { what, error, tolerance } of await ours.check())
    expect(error, what).toBeLessThanOrEqual(tolerance);
  ours.release();
});
