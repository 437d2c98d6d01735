import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { halfValue, packHalves } from '../ops/unpack-half/unpack-half.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { samTensorShapes } from './checkpoint/expected-shapes.ts';
import { SamSession } from './session.ts';
import { weightBytes } from './weights.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
});
afterAll(() => gpu?.destroy());

const shapes = samTensorShapes(MICRO_SAM);
/** What f16 makes of a value of a tensor. */
const rounded = (name: string, value: number) => {
  const isStored = /^(image_encoder|mask_decoder)\./.test(name) && (shapes.get(name)?.length ?? 0) > 1;
  return isStored ? halfValue((packHalves(Float32Array.of(value, 0))[0] ?? 0) & 0xffff) : value;
};

it('answers from halves as a model of the rounded weights does, bit for bit, in half the memory', async () => {
  const answers = [];
  for (const options of [{ precision: 'f16' as const }, { change: rounded }, {}]) {
    const before = gpu.allocatedBytes;
    const model = await openMicroModel(gpu, MICRO_SAM, 1, options);
    expect(gpu.allocatedBytes - before).toBe(weightBytes(MICRO_SAM, model.precision));
    const session = await SamSession.open(gpu, model);
    await session.encode(Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i)));
    const { lowResMasks, iou } = await session.decodeAll([{ points: [], box: [4, 5, 20, 27] }]);
    answers.push({ embeddings: await session.embeddings(), lowResMasks, iou });
    await session.release();
    model.weights.release();
  }
  const [halves, same, full] = answers;
  expect(halves).toEqual(same);
  expect(halves).not.toEqual(full);
  expect(weightBytes(MICRO_SAM, 'f16')).toBeLessThan(0.65 * weightBytes(MICRO_SAM));
});

it('keeps the exact values of the mask decoder, from which training starts', async () => {
  const [halves, full] = [
    await openMicroModel(gpu, MICRO_SAM, 1, { precision: 'f16' }),
    await openMicroModel(gpu),
  ];
  for (const name of [...full.weights.names].filter((each) => each.startsWith('mask_decoder.')))
    expect(await halves.weights.values(name), name).toEqual(await full.weights.values(name));
  expect(halves.hash).toBe(full.hash);
  await expect(halves.weights.values('image_encoder.blocks.0.mlp.lin1.weight')).rejects.toThrow(
    /full precision/,
  );
  for (const { weights } of [halves, full]) weights.release();
});

it('refuses a weight that no half can hold, by its name, and leaves nothing on the device', async () => {
  const before = gpu.allocatedBytes;
  const large = 'image_encoder.blocks.1.mlp.lin2.weight';
  const change = (name: string, value: number) => (name === large ? 7e4 : value);
  await expect(openMicroModel(gpu, MICRO_SAM, 1, { precision: 'f16', change })).rejects.toMatchObject({
    record: { code: 'model/half-too-large', where: large },
  });
  expect(gpu.allocatedBytes).toBe(before);
});
