import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cropImage, placeMask } from '../data/crops.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { SamModel } from '../sam/weights.ts';
import { openTestGpu } from '../testing/device.ts';
import { openMicroModel } from '../testing/micro-model.ts';
import { drawSample } from '../testing/training-sets.ts';
import { GpuQueue } from './gpu-queue.ts';
import { BASE_WEIGHTS, type Prompts, Segmenter, SegmentImage } from './segmenter.ts';

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

test('a region of an image is answered as a crop of it, and its masks lie in the image', async () => {
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  const { image } = drawSample('a', 1, 90, 60);
  const region = [20, 10, 60, 38] as const;
  const at = (x: number, y: number): Prompts => ({
    points: [{ x: x + 12, y: y + 9, positive: true }],
    box: { x0: x + 4, y0: y + 3, x1: x + 30, y1: y + 21 },
    previous: null,
  });
  const whole = await segmenter.predict(new SegmentImage('a', image), BASE_WEIGHTS, at(20, 10));
  const seen = await segmenter.predict(new SegmentImage('a', image, region), BASE_WEIGHTS, at(20, 10));
  const crop = new SegmentImage('b', cropImage(image, region));
  const alone = await segmenter.predict(crop, BASE_WEIGHTS, at(0, 0));
  expect(seen.map(({ mask }) => mask)).toEqual(alone.map(({ mask }) => placeMask(mask, region, image)));
  expect(seen.map(({ area }) => area)).toEqual(alone.map(({ area }) => area));
  expect(seen.map(({ lowRes }) => lowRes)).not.toEqual(whole.map(({ lowRes }) => lowRes));
  expect(whole[0]?.mask.length).toBe(90 * 60);
  await segmenter.release();
});

test('an image is encoded while the rest is still compiled', async () => {
  const segmenter = new Segmenter(gpu, new GpuQueue(), model);
  let finish = (): void => undefined;
  const compiled = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const compile = vi.spyOn(gpu.pipelines, 'prepare').mockReturnValue(compiled);
  const prepared = segmenter.prepare(BASE_WEIGHTS);
  const { image } = drawSample('a', 1, 90, 60);
  await segmenter.embed(new SegmentImage('a', image), BASE_WEIGHTS);
  expect(compile).toHaveBeenCalledTimes(1);
  finish();
  await prepared;
  compile.mockRestore();
  await segmenter.release();
});
