import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../config/random.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { sitesOf } from '../sam/encoder.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import type { SamModel } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM2, openMicroModel } from '../testing/micro-model.ts';
import { drawSource } from '../testing/training-sets.ts';
import { planRequest, planTraining } from './plan-training.ts';
import { StepPlanner } from './plans.ts';
import { type PreparedImage, prepareImage } from './prepare.ts';
import { TrainingStep } from './step.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// The floor on which everything must run.
let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
  model = await openMicroModel(gpu, MICRO_SAM2);
});
afterAll(() => gpu?.destroy());

const sizes = {
  imagesPerStep: 1,
  objectsPerImage: 2,
  objectsPerPass: 0,
  corrections: 1,
  memory: 0,
  weights: 'f32' as const,
};

function image(): PreparedImage {
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const config = parseTrainConfig({ imagesPerStep: 1, objectsPerImage: 2, corrections: 1, minSize: 0 });
  const { image: prepared } = prepareImage(drawSource('a', 1), MICRO_SAM2, config, random, 0);
  if (!prepared) throw new Error('the drawn image has objects');
  return prepared;
}

/** Losses and gradients of a step of one image. */
async function stepOf(step: TrainingStep, given: PreparedImage, corrections = 1) {
  const { loss } = await step.gradients([given], corrections, Random.fromSeed(4), Random.fromSeed(5));
  return { loss, gradients: await step.parameters.read('grad') };
}

it('asks for clicks and boxes, which have a token more, in passes of their own', async () => {
  const mopeft = resolveMopeft({ methods: ['lora'] }, MICRO_SAM2);
  const step = await TrainingStep.create(
    gpu,
    model,
    planTraining(planRequest(MICRO_SAM2, mopeft, sizes, gpu)),
  );
  await step.initialise(3);
  const given = image();
  const [object] = given.objects;
  if (!object) throw new Error('the drawn image has objects');
  const click = { points: [{ x: 40, y: 40, positive: true }] };
  const box = { points: [], box: [20, 20, 70, 60] as const };
  const asked = (prompts: readonly ObjectPrompt[]) => ({
    ...given,
    objects: prompts.map((prompt) => ({ ...object, prompt })),
  });
  const both = await stepOf(step, asked([click, box]), 0);
  const [clicked, boxed] = [await stepOf(step, asked([click]), 0), await stepOf(step, asked([box]), 0)];
  expect(both.loss).toBeCloseTo((clicked.loss + boxed.loss) / 2, 5);
  // A bias of attention's keys changes nothing, so its gradient is rounding alone.
  for (const [name, values] of [...both.gradients].filter(([key]) => !key.endsWith('k_proj.bias'))) {
    const [a, b] = [clicked.gradients.get(name), boxed.gradients.get(name)];
    const mean = values.map((_, i) => ((a?.[i] ?? 0) + (b?.[i] ?? 0)) / 2);
    expect(relativeError(values, mean), name).toBeLessThan(1e-3);
  }
  expect((await stepOf(step, asked([click, box]))).loss).toBeGreaterThan(0);
  step.release();
});

it('computes what lies below the first module once, whatever of the pyramid is made there', async () => {
  const shapes = [2, 3].flatMap((tokens) => [
    { objects: 2, tokens, hasMask: false },
    { objects: 2, tokens: tokens + 1, hasMask: true },
  ]);
  expect(sitesOf(MICRO_SAM2).map(({ name }) => name.split('.').at(-1))).toEqual([
    '0',
    '2',
    '4',
    '5',
    '7',
    '8',
  ]);
  const below = [];
  for (const first of [1, 2, 3, 4, 5]) {
    const mopeft = resolveMopeft({ methods: ['lora'], blocks: [first], trainDecoder: false }, MICRO_SAM2);
    const found = [];
    for (const cut of [first, 0]) {
      const plans = new StepPlanner(MICRO_SAM2, mopeft, gpu, { cut }).plan(1, shapes);
      if (cut > 0) below.push([...(plans.lower?.outputs.keys() ?? [])]);
      const step = await TrainingStep.create(gpu, model, plans);
      await step.initialise(3);
      const given = { ...image(), key: 'a' };
      await stepOf(step, given);
      // The second time what is below is known: the image is not looked at.
      const blank = { ...given, input: cut > 0 ? new Float32Array(given.input.length) : given.input };
      found.push(await stepOf(step, blank));
      step.release();
    }
    expect(found[0], `from block ${first}`).toEqual(found[1]);
  }
  expect(below).toEqual([
    ['tokens'],
    ['tokens', 'highRes0'],
    ['tokens', 'highRes0', 'highRes1'],
    ['tokens', 'highRes0', 'highRes1'],
    ['tokens', 'level', 'highRes0', 'highRes1'],
  ]);
});
