import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cropImage } from '../data/crops.ts';
import { encodeImagePng } from '../data/encode-png.ts';
import type { RgbImage } from '../data/types.ts';
import { GpuQueue } from '../engine/gpu-queue.ts';
import { Segmenter } from '../engine/segmenter.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { SamModel } from '../sam/weights.ts';
import { openTestGpu } from '../testing/device.ts';
import { turnedPng } from '../testing/exif-png.ts';
import { openMicroModel } from '../testing/micro-model.ts';
import { drawSample } from '../testing/training-sets.ts';
import type { EngineState } from './engine-state.ts';
import type { ImageRegion, PredictRequest } from './protocol.ts';
import { SegmentationService } from './segmentation-service.ts';

const WIDTH = 90;
const HEIGHT = 60;
const { image } = drawSample('a', 1, WIDTH, HEIGHT);
const base = { kind: 'base' } as const;

let gpu: Gpu;
let model: SamModel;
let segmenter: Segmenter;
let service: SegmentationService;
let opened: { hash: string; config: { preprocessing: object } };
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openMicroModel(gpu);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});
beforeEach(() => {
  segmenter = new Segmenter(gpu, new GpuQueue(), model);
  opened = { hash: 'micro', config: { preprocessing: {} } };
  service = new SegmentationService(
    { needModel: () => ({ segmenter, open: opened }) } as unknown as EngineState,
    () => Promise.reject(new Error('there is no run')),
    () => {
      throw new Error('no adapter is shipped');
    },
  );
});
afterEach(() => segmenter.release());

async function open(png: Uint8Array<ArrayBufferLike>): Promise<string> {
  const file = new File([new Uint8Array(png)], 'a.png');
  return (await service.open({ kind: 'file', file })).id;
}

const clickAt = (imageId: string, x: number, y: number, region?: ImageRegion): PredictRequest => ({
  imageId,
  variant: base,
  points: [{ x, y, positive: true }],
  box: null,
  previous: null,
  ...(region && { region }),
});

/** The part of masks of the whole image that lies in a region; fails where one marks anything outside of it. */
function inside(mask: Uint8Array, [x0, y0, x1, y1]: ImageRegion, width: number): number[] {
  const out: number[] = [];
  let outside = 0;
  for (const [i, value] of mask.entries()) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x >= x0 && x < x1 && y >= y0 && y < y1) out.push(value);
    else outside += value;
  }
  expect(outside).toBe(0);
  return out;
}

// The model's input is 32 pixels: regions larger and smaller than it, along each border, and of one pixel.
test.each<[name: string, region: ImageRegion]>([
  ['in a corner', [0, 0, 40, 40]],
  ['in the opposite corner', [50, 20, WIDTH, HEIGHT]],
  ['along a border', [0, 12, WIDTH, 30]],
  ['smaller than the model’s input', [30, 20, 41, 27]],
  ['of one pixel', [WIDTH - 1, HEIGHT - 1, WIDTH, HEIGHT]],
])('a region %s is answered as the image that is cut out, in the image’s own pixels', async (_, region) => {
  const [x0, y0, x1, y1] = region;
  const whole = await open(encodeImagePng(image));
  const cut = await open(encodeImagePng(cropImage(image, region)));
  const [dx, dy] = [(x1 - x0) / 2, (y1 - y0) / 2];
  const seen = await service.predict(clickAt(whole, x0 + dx, y0 + dy, region));
  const alone = await service.predict(clickAt(cut, dx, dy));
  expect(seen.candidates.map(({ mask }) => inside(mask, region, WIDTH))).toEqual(
    alone.candidates.map(({ mask }) => [...mask]),
  );
  expect(seen.candidates.map(({ predictedIou }) => predictedIou)).toEqual(
    alone.candidates.map(({ predictedIou }) => predictedIou),
  );
  const kept = await service.mask(seen.predictionId, 0);
  expect([kept.width, kept.height]).toEqual([WIDTH, HEIGHT]);
  expect(kept.mask).toEqual(seen.candidates[0]?.mask);
});

test('a mask is kept of a model whose weights were stored anew, and not of one that sees images otherwise', async () => {
  const id = await open(encodeImagePng(image));
  const { predictionId, candidates } = await service.predict(clickAt(id, 20, 20));
  await segmenter.release();
  segmenter = new Segmenter(gpu, new GpuQueue(), model);
  expect((await service.mask(predictionId, 0)).mask).toEqual(candidates[0]?.mask);
  opened = { hash: 'micro', config: { preprocessing: { aspect: 'stretch' } } };
  await expect(service.mask(predictionId, 0)).rejects.toThrow(/too old/);
});

test.each<[name: string, region: ImageRegion]>([
  ['beyond the right border', [60, 10, WIDTH + 1, 40]],
  ['beyond the lower border', [60, 10, 80, HEIGHT + 1]],
  ['before the image', [-1, 0, 40, 40]],
  ['outside altogether', [WIDTH, 0, WIDTH + 20, 20]],
  ['without width', [20, 10, 20, 40]],
  ['from right to left', [40, 10, 20, 40]],
  ['of parts of pixels', [10.5, 10, 40, 40]],
  ['of no numbers', [Number.NaN, 10, 40, 40]],
])('a region %s is refused', async (_, region) => {
  const id = await open(encodeImagePng(image));
  const refused = { record: { code: 'segment/region', cure: expect.stringMatching(/Zoom out/) } };
  await expect(service.embed({ imageId: id, variant: base, region })).rejects.toMatchObject(refused);
  await expect(service.predict(clickAt(id, 5, 5, region))).rejects.toMatchObject(refused);
});

test('the region of all pixels is the whole image, and a mask is fed back within one region only', async () => {
  const id = await open(encodeImagePng(image));
  const all: ImageRegion = [0, 0, WIDTH, HEIGHT];
  const whole = await service.predict(clickAt(id, 20, 20));
  const again = await service.predict(clickAt(id, 20, 20, all));
  expect(again.candidates).toEqual(whole.candidates);
  const previous = { predictionId: whole.predictionId, candidate: 0 };
  const refined = await service.predict({ ...clickAt(id, 20, 20, all), previous });
  expect(refined.candidates.map(({ predictedIou }) => predictedIou)).not.toEqual(
    whole.candidates.map(({ predictedIou }) => predictedIou),
  );
  const region: ImageRegion = [0, 0, 50, 40];
  const fresh = await service.predict(clickAt(id, 20, 20, region));
  const other = await service.predict({ ...clickAt(id, 20, 20, region), previous });
  expect(other.candidates).toEqual(fresh.candidates);
});

test('a region of an image that EXIF turns is one of the upright image', async () => {
  const stored: RgbImage = image;
  const turned = await open(turnedPng(encodeImagePng(stored), 6));
  const upright = await open(encodeImagePng(quarterTurn(stored)));
  const region: ImageRegion = [10, 40, HEIGHT, WIDTH];
  const seen = await service.predict(clickAt(turned, 30, 60, region));
  const expected = await service.predict(clickAt(upright, 30, 60, region));
  expect(seen.candidates).toEqual(expected.candidates);
  expect(await service.mask(seen.predictionId, 0)).toMatchObject({ width: HEIGHT, height: WIDTH });
  await expect(service.predict(clickAt(turned, 5, 5, [0, 0, WIDTH, 20]))).rejects.toMatchObject({
    record: { code: 'segment/region' },
  });
});

/** Turned by 90 degrees clockwise, as EXIF orientation 6 asks for. */
function quarterTurn({ width, height, data }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        out[3 * (x * height + height - 1 - y) + c] = data[3 * (y * width + x) + c] ?? 0;
  return { width: height, height: width, channels: 3, data: out };
}

test('an embedding that nobody waits for any more is not made', async () => {
  const id = await open(encodeImagePng(image));
  const stale = new AbortController();
  const first = service.embed({ imageId: id, variant: base });
  const asked = service.embed({ imageId: id, variant: base, region: [0, 0, 40, 40] }, stale.signal);
  stale.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  expect((await first).gates).toBeNull();
});
