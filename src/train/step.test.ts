import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../config/random.ts';
import type { SamConfig } from '../config/sam.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { DEVICE_BYTES } from '../gpu/gpu.ts';
import { halfValue, packHalves } from '../ops/unpack-half/unpack-half.ts';
import { attachModules } from '../peft/build.ts';
import type { GateForm } from '../peft/gates/gate-form.ts';
import { GATE_FORMS } from '../peft/gates/registry.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { samTensorShapes } from '../sam/checkpoint/expected-shapes.ts';
import { SamSession } from '../sam/session.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { type SamModel, weightBytes } from '../sam/weights.ts';
import { relativeError } from '../testing/allclose.ts';
import { mostAllocated, openTestGpu, refuseBuffers } from '../testing/device.ts';
import { MICRO_SAM, MICRO_SAM2, openMicroModel } from '../testing/micro-model.ts';
import { drawSource } from '../testing/training-sets.ts';
import { withEntry } from '../testing/with-entry.ts';
import { estimateMemory } from './estimate.ts';
import { planRequest, planTraining } from './plan-training.ts';
import { StepPlanner } from './plans.ts';
import { prepareImage } from './prepare.ts';
import { TrainingStep } from './step.ts';

// Compiling the step's pipelines takes a software adapter most of the time; one device compiles them once for all tests.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

// The floor on which everything must run.
let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu({ defaultLimits: true });
  model = await openMicroModel(gpu);
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
const config = parseTrainConfig({ imagesPerStep: 1, objectsPerImage: 2, corrections: 1, minSize: 0 });

const plan = (methods: string[], more: { trainDecoder?: boolean; blocks?: 'late' } = {}) =>
  planTraining(planRequest(MICRO_SAM, resolveMopeft({ methods, ...more }, MICRO_SAM), sizes, gpu));

function image(name = 'a', sam: SamConfig = MICRO_SAM) {
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const { image: prepared } = prepareImage(drawSource(name, 1), sam, config, random, 0);
  if (!prepared) throw new Error('the drawn image has objects');
  return prepared;
}

const settings = () => ({ lr: 1e-2, weightDecay: 0 });

/** In training each block's gates are one number that is drawn, and its price is `gate.alpha`; in evaluation they are alpha. */
const drawnGates: GateForm = {
  id: 'drawn',
  label: 'Drawn',
  help: '',
  varies: 'by-run',
  differsInTraining: true,
  reads: () => 'nothing',
  tensors: () => [{ name: 'gate.alpha', shape: [1], decay: false, init: () => Float32Array.of(0.25) }],
  trace: (methods, { mode, tensor, random, addLoss }) => {
    if (mode === 'training') addLoss(tensor('gate.alpha'));
    const value = mode === 'training' ? random(1) : tensor('gate.alpha');
    return methods.map(() => ({ value, insideSoftmax: false }));
  },
};

describe('a gate form that draws and has a price', () => {
  it('draws anew in every step, adds its price to the gradients, and evaluates without chance', async () => {
    await withEntry(GATE_FORMS, drawnGates, async () => {
      const mopeft = resolveMopeft({ methods: ['lora', 'prefix'], gate: 'drawn' }, MICRO_SAM);
      const plans = planTraining(planRequest(MICRO_SAM, mopeft, sizes, gpu));
      const before = gpu.allocatedBytes;
      const step = await TrainingStep.create(gpu, model, plans);
      const own = estimateMemory(plans).peakBytes - weightBytes(MICRO_SAM) - DEVICE_BYTES;
      expect(gpu.allocatedBytes - before).toBe(own);
      await step.initialise(3);
      const lossOf = async (seed: number) =>
        (await step.gradients([image(), image()], 1, Random.fromSeed(4), Random.fromSeed(seed))).loss;
      const first = await lossOf(1);
      expect(await lossOf(2)).not.toBe(first);
      expect(await lossOf(1)).toBe(first);
      const gradients = await step.parameters.read('grad');
      // Two images a step, each with half the weight.
      for (const block of [0, 1])
        expect(gradients?.get(`blocks.${block}.gate.alpha`)).toEqual(Float32Array.of(1));
      await step.encode(image().input);
      expect(await step.gates()).toEqual([0, 1].map(() => ({ lora: 0.25, prefix: 0.25 })));
      const { embedding } = await step.encoder.readEmbeddings();
      const values = await step.parameters.read('param');
      step.release();
      const tensors = new Map([...values].map(([name, data]) => [name, gpu.upload(data, name)]));
      const session = await SamSession.open(gpu, model, {
        tensors,
        slots: (graph) => attachModules(graph, mopeft, graphInputs(graph), 'evaluation').slots,
      });
      await session.encode(image().input);
      expect((await session.embeddings()).embedding).toEqual(embedding);
      await session.release();
      for (const { buffer } of tensors.values()) gpu.release(buffer);
    });
  });
});

describe('a training step on a device with WebGPU’s default limits', () => {
  it('gives every gate a gradient from the second step on, and at first only the prefix gate', async () => {
    const step = await TrainingStep.create(gpu, model, plan(['lora', 'prefix', 'adapter']));
    await step.initialise(3);
    const gateGradients = async () => {
      const { squaredNorm, loss } = await step.gradients(
        [image()],
        1,
        Random.fromSeed(4),
        Random.fromSeed(5),
      );
      expect(loss).toBeGreaterThan(0);
      const grads = await step.parameters.read('grad');
      const sum = [...grads.values()].flatMap((values) => [...values]).reduce((s, x) => s + x * x, 0);
      expect(Math.abs(squaredNorm - sum) / sum).toBeLessThan(1e-4);
      return [...grads].filter(([name]) => name.includes('.gate.') && name.endsWith('weight'));
    };
    for (const [name, values] of await gateGradients())
      expect(
        values.some((x) => x !== 0),
        name,
      ).toBe(name.includes('prefix'));
    await step.optimizer.update(1, settings, 0);
    const later = await gateGradients();
    expect(later.length).toBe(6);
    for (const [name, values] of later)
      expect(
        values.some((x) => x !== 0),
        name,
      ).toBe(true);
    step.release();
  });

  it('takes exactly the planned bytes, and a step allocates nothing', async () => {
    const before = gpu.allocatedBytes;
    const most = mostAllocated(gpu);
    const plans = plan(['lora', 'adapter']);
    const step = await TrainingStep.create(gpu, model, plans);
    await step.initialise(3);
    const { parts, peakBytes } = estimateMemory(plans);
    const frozen = parts.find(({ label }) => label === 'Frozen weights')?.bytes ?? 0;
    // The device has its staging buffers from the start.
    expect(gpu.allocatedBytes - before).toBe(peakBytes - frozen - DEVICE_BYTES);
    expect(most(), 'also while it was opened').toBe(gpu.allocatedBytes);
    expect(frozen).toBe(model.weights.bytes);
    const once = () =>
      step
        .gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5))
        .then(() => step.optimizer.update(1, settings, 0));
    await once();
    const count = gpu.allocationCount;
    await once();
    expect(gpu.allocationCount).toBe(count);
    step.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('reads nothing until its losses are asked for, and lets others use the device between its slices', async () => {
    const step = await TrainingStep.create(gpu, model, plan(['lora']));
    await step.initialise(3);
    const read = vi.spyOn(gpu, 'read');
    let turns = 0;
    gpu.slices.between = async () => {
      turns++;
      expect(gpu.slices.between, 'what others submit does not wait').toBeNull();
    };
    const losses = [];
    for (const update of [1, 2]) {
      await step.startGradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      await step.optimizer.update(update, settings, 1);
      expect(read).toHaveBeenCalledTimes(losses.length);
      // The next step runs before the losses of this one are there.
      losses.push(step.readLosses());
    }
    gpu.slices.between = null;
    read.mockRestore();
    expect(turns).toBeGreaterThan(4);
    const [first, second] = await Promise.all(losses);
    await step.initialise(3);
    const again = [];
    for (const update of [1, 2]) {
      again.push(await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5)));
      await step.optimizer.update(update, settings, 1);
    }
    expect([first, second]).toEqual(again);
    step.release();
  });

  it('leaves nothing on the device when it cannot be opened, whatever was in the way, and can be opened then', async () => {
    const before = gpu.allocatedBytes;
    const plans = plan(['lora']);
    for (const label of ['parameters m 0', 'image', 'step 0', 'adamw settings']) {
      const end = refuseBuffers(gpu, label);
      const opened = TrainingStep.create(gpu, model, plans);
      await expect(opened, label).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
      end();
      expect(gpu.allocatedBytes, label).toBe(before);
    }
    const compile = vi.spyOn(gpu.device, 'createComputePipelineAsync').mockRejectedValue(new Error('no'));
    const encoder = { ...MICRO_SAM.encoder, hiddenSize: 32 };
    const other = await openMicroModel(gpu, { ...MICRO_SAM, encoder });
    const wider = planTraining(
      planRequest(other.config, resolveMopeft({ methods: ['lora'] }, other.config), sizes, gpu),
    );
    const opened = gpu.allocatedBytes;
    await expect(TrainingStep.create(gpu, other, wider)).rejects.toThrow('no');
    compile.mockRestore();
    expect(gpu.allocatedBytes).toBe(opened);
    const step = await TrainingStep.create(gpu, other, wider);
    step.release();
    other.weights.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('has the same gradients whether objects share a pass or not', async () => {
    const read = async (objectsPerPass: number) => {
      const mopeft = resolveMopeft({ methods: ['lora'] }, MICRO_SAM);
      const plans = planTraining(
        planRequest(MICRO_SAM, mopeft, { ...sizes, objectsPerPass, corrections: 0 }, gpu),
      );
      const step = await TrainingStep.create(gpu, model, plans);
      await step.initialise(3);
      const { loss, squaredNorm } = await step.gradients(
        [image()],
        0,
        Random.fromSeed(4),
        Random.fromSeed(5),
      );
      step.release();
      return { loss, squaredNorm };
    };
    const [together, apart] = [await read(2), await read(1)];
    expect(apart.loss).toBeCloseTo(together.loss, 5);
    expect(Math.abs(apart.squaredNorm / together.squaredNorm - 1)).toBeLessThan(1e-3);
  });
});

describe('images that share a pass', () => {
  const Hq = { ...MICRO_SAM, decoder: { ...MICRO_SAM.decoder, kind: 'hq' as const } };
  const modules = { methods: ['lora', 'prefix', 'adapter'] };

  it.each([
    ['gated by each image', MICRO_SAM, modules],
    ['with gates inside the softmax', MICRO_SAM, { ...modules, gate: 'mass' }],
    ['with gates that are the same for all images', MICRO_SAM, { ...modules, gate: 'budget' }],
    ['with gates that are drawn at a price', MICRO_SAM, { ...modules, gate: 'hard', budget: 0.5 }],
    ['with gates by dataset', MICRO_SAM, { ...modules, gate: 'task', datasets: ['a', 'b'] }],
    [
      'above blocks that are computed once',
      MICRO_SAM,
      { methods: ['lora', 'adapter'], blocks: 'late' as const },
    ],
    ['without modules', MICRO_SAM, { methods: [] }],
    [
      'with a token for each dataset and nothing else',
      MICRO_SAM,
      { methods: [], trainDecoder: false, token: true, datasets: ['a', 'b'] },
    ],
    ['of an HQ-SAM', Hq, modules],
    ['of a SAM 2', MICRO_SAM2, modules],
  ])('have the gradients that each has alone: %s', async (_, sam, request) => {
    const other = await openMicroModel(gpu, sam);
    const mopeft = resolveMopeft(request, sam);
    const [first, second] = [image('a', sam), image('b', sam)];
    // One object and two: what the pass is filled up with has no gradient.
    const images = [
      { ...first, key: 'a', objects: first.objects.slice(0, 1) },
      { ...second, dataset: 1 },
      first,
    ];
    const found = [];
    for (const imagesPerPass of [1, 3]) {
      const asked = { ...sizes, imagesPerStep: 3, imagesPerPass, corrections: 0 };
      const plans = planTraining(planRequest(sam, mopeft, asked, gpu));
      expect(plans.objectsPerPass).toBe(2 * imagesPerPass);
      const before = gpu.allocatedBytes;
      const step = await TrainingStep.create(gpu, other, plans);
      expect(gpu.allocatedBytes - before).toBe(
        estimateMemory(plans).peakBytes - weightBytes(sam) - DEVICE_BYTES,
      );
      await step.initialise(3);
      for (const n of [1, 2]) {
        const losses = await step.gradients(images, 0, Random.fromSeed(4), Random.fromSeed(5));
        const gradients = await step.parameters.read('grad');
        if (n === 1) await step.optimizer.update(1, settings, 1);
        else found.push({ losses, gradients });
      }
      step.ask(1);
      await step.encode(second.input);
      const { embedding } = await step.encoder.readEmbeddings();
      found.push({
        embedding,
        gates: await step.gates(),
        decoded: await step.decode([first.objects[0]?.prompt ?? { points: [] }]),
      });
      step.release();
    }
    const [alone, aloneAfter, together, togetherAfter] = found;
    expect(together?.losses?.loss).toBeCloseTo(alone?.losses?.loss ?? 0, 5);
    expect(together?.gradients?.size).toBeGreaterThan(0);
    // A bias of attention's keys changes nothing, so its gradient is rounding alone.
    for (const [name, values] of [...(together?.gradients ?? [])].filter(
      ([key]) => !key.endsWith('k_proj.bias'),
    ))
      expect(relativeError(values, alone?.gradients?.get(name) ?? []), name).toBeLessThan(1e-3);
    expect(togetherAfter?.gates?.length).toBe(aloneAfter?.gates?.length);
    const one = togetherAfter?.embedding?.subarray(0, aloneAfter?.embedding?.length) ?? [];
    expect(relativeError(one, aloneAfter?.embedding ?? [])).toBeLessThan(1e-3);
    const masksOf = (after: typeof aloneAfter) => after?.decoded?.[0]?.masks[1] ?? [];
    expect(relativeError(masksOf(togetherAfter), masksOf(aloneAfter))).toBeLessThan(1e-3);
    other.weights.release();
  });

  it('are planned where nothing needs to be computed again for it, in a number that divides those of a step', () => {
    const planned = (imagesPerStep: number, memory: number) => {
      const asked = { ...sizes, imagesPerStep, memory };
      return planTraining(planRequest(MICRO_SAM, resolveMopeft(modules, MICRO_SAM), asked, gpu));
    };
    expect(planned(3, 0)).toMatchObject({ imagesPerPass: 3, objectsPerPass: 6 });
    const [one, all] = [planned(1, 0), planned(6, 0)].map(
      (plans) => estimateMemory(plans).peakBytes / 2 ** 20,
    ) as [number, number];
    const between = planned(6, Math.ceil((one + all) / 2));
    expect(between.imagesPerPass).toBe(3);
    expect(planned(6, 1).imagesPerPass).toBe(1);
  });
});

describe('a frozen encoder', () => {
  it('remembers an image by its key, and answers as if it had been encoded again', async () => {
    const step = await TrainingStep.create(gpu, model, plan([]));
    await step.initialise(3);
    const [first, second] = [image().input, image().input.map((value) => 1 - value)];
    await step.encode(first, 'first');
    const embeddings = await step.encoder.readEmbeddings();
    await step.encode(second, 'second');
    expect(await step.encoder.readEmbeddings()).not.toEqual(embeddings);
    await step.encode(new Float32Array(first.length), 'first');
    expect(await step.encoder.readEmbeddings()).toEqual(embeddings);
    step.release();
  });
});

describe('the blocks below the first module', () => {
  /** Gradients of two steps, the second after an update; `blank` hides the image behind its key. */
  const gradientsOf = async (step: TrainingStep, key: string | undefined, blank = false) => {
    const seen = { ...image(), ...(key !== undefined && { key }) };
    const given = blank ? { ...seen, input: new Float32Array(seen.input.length) } : seen;
    await step.initialise(3);
    const losses = [];
    for (const n of [1, 2]) {
      losses.push(await step.gradients([given], 1, Random.fromSeed(4), Random.fromSeed(5)));
      await step.optimizer.update(n, settings, 1);
    }
    return { losses, grads: await step.parameters.read('grad') };
  };

  it('are computed once for an image and view, and a step is the same to the bit', async () => {
    const plans = plan(['lora', 'adapter'], { blocks: 'late' });
    expect(plans.lower?.passes.length).toBeGreaterThan(0);
    const step = await TrainingStep.create(gpu, model, plans);
    const computed = await gradientsOf(step, undefined);
    expect(await gradientsOf(step, 'a'), 'kept').toEqual(computed);
    expect(await gradientsOf(step, 'a', true), 'known').toEqual(computed);
    expect(await gradientsOf(step, undefined, true)).not.toEqual(computed);
    await step.encode(image().input, 'a');
    const embedding = await step.encoder.readEmbeddings();
    await step.encode(image().input);
    expect(await step.encoder.readEmbeddings()).toEqual(embedding);
    step.release();
  });

  it('give the gradients that the whole encoder gives, of an HQ-SAM too, whose decoder reads of a lower block', async () => {
    const encoder = { ...MICRO_SAM.encoder, numHiddenLayers: 4, globalAttnIndexes: [1, 3] };
    const sam = { ...MICRO_SAM, encoder, decoder: { ...MICRO_SAM.decoder, kind: 'hq' as const } };
    const deeper = await openMicroModel(gpu, sam);
    const shapes = [2, 3].map((tokens) => ({ objects: 2, tokens, hasMask: tokens > 2 }));
    const inputs = [];
    for (const first of [1, 2, 3, 4]) {
      const methods = first < 4 ? { methods: ['lora'], blocks: [first] } : { methods: [] };
      const mopeft = resolveMopeft({ ...methods, trainDecoder: first === 4 }, sam);
      const found = [];
      for (const cut of [first, 0]) {
        const plans = new StepPlanner(sam, mopeft, gpu, { cut }).plan(1, shapes);
        if (cut > 0) inputs.push([...(plans.lower?.outputs.keys() ?? [])]);
        else expect(plans.lower).toBeNull();
        const step = await TrainingStep.create(gpu, deeper, plans);
        await gradientsOf(step, 'a');
        found.push(await gradientsOf(step, 'a', cut > 0));
        step.release();
      }
      expect(found[0], `from block ${first}`).toEqual(found[1]);
    }
    // Block 1 gives the intermediate features: as tokens, and beside those of block 2.
    expect(inputs).toEqual([
      ['tokens'],
      ['tokens'],
      ['tokens', 'intermediate'],
      ['embedding', 'intermediate'],
    ]);
    deeper.weights.release();
  });
});

describe('frozen weights in half precision', () => {
  it('take exactly the planned bytes, and give the gradients of the rounded weights to the bit', async () => {
    const rounded = (name: string, value: number) =>
      name.startsWith('image_encoder.') && (samTensorShapes(MICRO_SAM).get(name)?.length ?? 0) > 1
        ? halfValue((packHalves(Float32Array.of(value, 0))[0] ?? 0) & 0xffff)
        : value;
    const found = [];
    for (const [weights, options] of [
      ['f16', { precision: 'f16' }],
      ['f32', { change: rounded }],
    ] as const) {
      const before = gpu.allocatedBytes;
      const frozen = await openMicroModel(gpu, MICRO_SAM, 1, options);
      const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'], blocks: [1] }, MICRO_SAM);
      const plans = planTraining(planRequest(MICRO_SAM, mopeft, { ...sizes, weights }, gpu));
      const step = await TrainingStep.create(gpu, frozen, plans);
      expect(gpu.allocatedBytes - before).toBe(estimateMemory(plans).peakBytes - DEVICE_BYTES);
      await step.initialise(3);
      const losses = await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      found.push({
        losses,
        grads: await step.parameters.read('grad'),
        start: await step.parameters.read('param'),
      });
      step.release();
      frozen.weights.release();
    }
    expect(found[0]).toEqual(found[1]);
  });

  it('are no part of a plan for full precision', async () => {
    const halves = await openMicroModel(gpu, MICRO_SAM, 1, { precision: 'f16' });
    await expect(TrainingStep.create(gpu, halves, plan(['lora']))).rejects.toMatchObject({
      record: { code: 'graph/unbound' },
    });
    halves.weights.release();
  });
});

describe('recomputing in the backward', () => {
  it('needs less memory and gives the same gradients, bit for bit', async () => {
    const encoder = { ...MICRO_SAM.encoder, numHiddenLayers: 5, globalAttnIndexes: [1, 4] };
    const sam = { ...MICRO_SAM, encoder };
    const deeper = await openMicroModel(gpu, sam);
    const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, sam);
    const planner = new StepPlanner(sam, mopeft, gpu);
    const shapes = [2, 3].map((tokens) => ({ objects: 1, tokens, hasMask: tokens > 2 }));
    const kept = planner.plan(5, shapes);
    const again = planner.plan(0, shapes, 1, true);
    expect(again.encoder.poolBytes).toBeLessThan(0.7 * kept.encoder.poolBytes);
    const gradientsOf = async (plans: typeof kept) => {
      const step = await TrainingStep.create(gpu, deeper, plans);
      await step.initialise(3);
      await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      await step.optimizer.update(1, settings, 0);
      await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      const grads = await step.parameters.read('grad');
      step.release();
      return grads;
    };
    const [whole, recomputed] = [await gradientsOf(kept), await gradientsOf(again)];
    expect(whole?.size).toBe(kept.tensors.length);
    expect(recomputed).toEqual(whole);
    const passesOf = ({ decoders }: typeof kept) => [...decoders.values()][0]?.passes.length ?? 0;
    expect(passesOf(again)).toBeGreaterThan(passesOf(kept));
    deeper.weights.release();
  });
});

describe('the plan of a step', () => {
  const backward = ({ encoder }: ReturnType<typeof plan>) =>
    encoder.passes.filter(({ phase }) => phase === 'backward').length;

  it('has no encoder backward without a trained tensor there, and a shorter one for late blocks', () => {
    expect(backward(plan([]))).toBe(0);
    expect(plan([]).trainsEncoder).toBe(false);
    const [all, late] = [backward(plan(['lora'])), backward(plan(['lora'], { blocks: 'late' }))];
    expect(late).toBeGreaterThan(0);
    expect(late).toBeLessThan(0.7 * all);
  });

  it('trains the decoder unless it is frozen', () => {
    expect(plan(['lora']).tensors.some(({ group }) => group === 'decoder')).toBe(true);
    expect(plan(['lora'], { trainDecoder: false }).tensors.every(({ group }) => group === 'peft')).toBe(true);
  });
});
