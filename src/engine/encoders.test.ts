import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../config/random.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { sizeOf } from '../graph/shape.ts';
import { readAdapterFiles, writeAdapter } from '../peft/adapter-file.ts';
import { modulesOf } from '../peft/modules.ts';
import { METHODS } from '../peft/registry.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { trainableTensors } from '../peft/tensors.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import { writeSafetensors } from '../sam/checkpoint/safetensors-write.ts';
import { sitesOf } from '../sam/encoder.ts';
import { openTestGpu } from '../testing/device.ts';
import { openMicroModel } from '../testing/micro-model.ts';
import { drawSource } from '../testing/training-sets.ts';
import { TWO_STAGE_SAM } from '../testing/two-stage-encoder.ts';
import { planRequest, planTraining } from '../train/plan-training.ts';
import { StepPlanner } from '../train/plans.ts';
import { prepareImage } from '../train/prepare.ts';
import { TrainingStep } from '../train/step.ts';
import { capabilitiesFor } from './capabilities.ts';
import { openModel } from './model.ts';
import { ModelSession } from './tuning.ts';

vi.mock('../sam/encoders/registry.ts', async (original) => {
  const { ENCODERS } = await original<typeof import('../sam/encoders/registry.ts')>();
  const { twoStage } = await import('../testing/two-stage-encoder.ts');
  return { ENCODERS: [...ENCODERS, twoStage] };
});
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu?.destroy());

const mopeft = resolveMopeft({ methods: METHODS.map(({ id }) => id), trainDecoder: false }, TWO_STAGE_SAM);

it('recognises a registered encoder in a checkpoint and reads its sizes off the shapes', async () => {
  const tensors = new Map(
    [...samTensorShapes(TWO_STAGE_SAM)].map(([name, shape]) => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  );
  const { config, weights } = await openModel(gpu, [
    bytesSource('stages.safetensors', writeSafetensors(tensors)),
  ]);
  expect(config.encoder).toEqual(TWO_STAGE_SAM.encoder);
  expect(weights.shape('image_encoder.stages.1.block.attn.q.weight')).toEqual([24, 24]);
  expect(weights.shape('image_encoder.stages.0.block.attn.rel_pos_h')).toEqual([7, 8]);
  weights.release();
});

it('gives every module the width of its site, and fields defaults that fit all sites', () => {
  const shapes = new Map(trainableTensors(mopeft, TWO_STAGE_SAM).map(({ name, shape }) => [name, shape]));
  expect(shapes.get('blocks.0.lora.q.A')).toEqual([8, 8]);
  expect(shapes.get('blocks.1.lora.q.A')).toEqual([8, 24]);
  expect(shapes.get('blocks.0.gate.lora.weight')).toEqual([1, 8]);
  expect(shapes.get('blocks.1.gate.lora.weight')).toEqual([1, 24]);
  const wide = { ...TWO_STAGE_SAM, encoder: { ...TWO_STAGE_SAM.encoder, widths: [320, 640] as const } };
  const fields = capabilitiesFor(wide).methods.flatMap((method) => method.fields);
  expect(fields.find(({ id }) => id === 'adapter.bottleneck')).toMatchObject({ default: 20 });
  expect(fields.find(({ id }) => id === 'prefix.length')).toMatchObject({ default: 1 });
});

it('trains modules at both sites', async () => {
  const model = await openMicroModel(gpu, TWO_STAGE_SAM);
  const sizes = {
    imagesPerStep: 1,
    objectsPerImage: 1,
    objectsPerPass: 1,
    corrections: 0,
    memory: 0,
    weights: 'f32' as const,
  };
  const step = await TrainingStep.create(
    gpu,
    model,
    planTraining(planRequest(model.config, mopeft, sizes, gpu)),
  );
  await step.initialise(3);
  const config = parseTrainConfig({ imagesPerStep: 1, objectsPerImage: 1, corrections: 0, minSize: 0 });
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const { image } = prepareImage(drawSource('a', 1), model.config, config, random, 0);
  if (!image) throw new Error('the drawn image has objects');
  const before = await step.gradients([image], 0, Random.fromSeed(4), Random.fromSeed(5));
  await step.optimizer.update(1, () => ({ lr: 1e-2, weightDecay: 0 }), 1);
  await step.gradients([image], 0, Random.fromSeed(4), Random.fromSeed(5));
  const gradients = await step.parameters.read('grad');
  expect(before.loss).toBeGreaterThan(0);
  expect([...gradients.keys()].sort()).toEqual(
    trainableTensors(mopeft, TWO_STAGE_SAM)
      .map(({ name }) => name)
      .sort(),
  );
  for (const [name, values] of gradients) {
    expect(values.every(Number.isFinite), name).toBe(true);
    expect(
      values.some((value) => value !== 0),
      name,
    ).toBe(true);
  }
  step.release();
  model.weights.release();
});

it('computes what lies below the second site once, in front of the merge, with the same gradients', async () => {
  const model = await openMicroModel(gpu, TWO_STAGE_SAM);
  const late = resolveMopeft({ methods: ['lora'], blocks: [1], trainDecoder: false }, TWO_STAGE_SAM);
  const config = parseTrainConfig({ imagesPerStep: 1, objectsPerImage: 1, corrections: 0, minSize: 0 });
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const { image } = prepareImage(drawSource('a', 1), model.config, config, random, 0);
  if (!image) throw new Error('the drawn image has objects');
  const shapes = [{ objects: 1, tokens: 2, hasMask: false }];
  const found = [];
  for (const cut of [0, 1]) {
    const plans = new StepPlanner(model.config, late, gpu, { cut }).plan(2, shapes);
    const step = await TrainingStep.create(gpu, model, plans);
    await step.initialise(3);
    for (let n = 1; n <= 2; n++) {
      const losses = await step.gradients(
        [{ ...image, key: 'a' }],
        0,
        Random.fromSeed(4),
        Random.fromSeed(5),
      );
      found.push({ losses, gradients: await step.parameters.read('grad') });
    }
    step.release();
  }
  for (const other of found) expect(other).toEqual(found[0]);
  model.weights.release();
});

it('writes an adapter that opens again, encodes and draws the gate of every module', async () => {
  const model = await openMicroModel(gpu, TWO_STAGE_SAM);
  const tensors = new Map(
    trainableTensors(mopeft, TWO_STAGE_SAM).map(({ name, shape }) => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)).fill(0.01) },
    ]),
  );
  const files = writeAdapter(model, { mopeft, tensors, maskThreshold: 0, training: {} });
  const session = await ModelSession.open(gpu, model, await readAdapterFiles(model, files));
  const layers = (await session.encode(new Float32Array(3 * 32 * 32).fill(0.5))) ?? [];
  expect(layers.map((layer) => Object.keys(layer))).toEqual(
    sitesOf(TWO_STAGE_SAM).map(({ index }) =>
      modulesOf(mopeft).flatMap(({ block, method }) => (block === index ? [method.id] : [])),
    ),
  );
  const { embedding } = await session.sam.embeddings();
  expect(embedding).toHaveLength(4 * 4 * 16);
  expect(embedding.every(Number.isFinite)).toBe(true);
  await session.release();

  const beyond = { ...mopeft, blocks: [0, 1, 2] };
  const wrong = writeAdapter(model, { mopeft: beyond, tensors, maskThreshold: 0, training: {} });
  await expect(readAdapterFiles(model, wrong)).rejects.toThrow(/block 2 and the model has 2 blocks/);
  model.weights.release();
});
