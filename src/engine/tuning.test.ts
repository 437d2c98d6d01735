import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import type { PackedPrompts } from '../sam/prompts.ts';
import type { SamModel } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { normals } from '../testing/random.ts';
import { ModelSession } from './tuning.ts';

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

const click = (...labels: number[]): PackedPrompts => ({
  objects: 1,
  tokens: labels.length,
  coords: Float32Array.from(labels.flatMap((label) => (label === 1 ? [9, 9] : [0, 0]))),
  labels: Float32Array.from(labels),
  maskInput: null,
});

it('a token for each dataset begins as one that stands for no point, and answers as the dataset that is asked for', async () => {
  const width = MICRO_SAM.outputChannels;
  const tokens = new Float32Array(2 * width);
  tokens.set(normals(width, 3), width);
  const session = await ModelSession.open(gpu, model, {
    mopeft: resolveMopeft({ methods: [], trainDecoder: false, token: true, datasets: ['a', 'b'] }, MICRO_SAM),
    tensors: new Map([['tokens.dataset', { shape: [2, width], data: tokens }]]),
    preprocessing: MICRO_SAM.preprocessing,
    maskThreshold: 0,
  });
  const base = await ModelSession.open(gpu, model, null);
  const image = Float32Array.from(normals(3 * MICRO_SAM.imageSize ** 2, 5));
  for (const each of [session, base]) await each.encode(image);
  const masksOf = async (each: ModelSession, prompts: PackedPrompts) =>
    (await each.sam.decode(prompts)).lowResMasks;
  const padded = await masksOf(base, click(1, -1, -1));
  expect(relativeError(await masksOf(session, click(1, -1)), padded)).toBeLessThan(1e-5);
  session.ask(1);
  const other = await masksOf(session, click(1, -1));
  expect(relativeError(other, padded)).toBeGreaterThan(1e-3);
  session.ask(0);
  expect(relativeError(await masksOf(session, click(1, -1)), padded)).toBeLessThan(1e-5);
  const side = 4 * Math.sqrt((await session.sam.embeddings()).embedding.length / width);
  const fed = { ...click(), maskInput: new Float32Array(side * side) };
  expect((await masksOf(session, fed)).every(Number.isFinite)).toBe(true);
  for (const each of [session, base]) await each.release();
});
