import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Failure } from '../config/failure.ts';
import { Random } from '../config/random.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { READBACK_BYTES } from '../gpu/readback.ts';
import { planGraph } from '../graph/plan.ts';
import { attachModules } from '../peft/build.ts';
import type { GateForm } from '../peft/gates/gate-form.ts';
import { GATE_FORMS } from '../peft/gates/registry.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import { SamSession } from '../sam/session.ts';
import { graphInputs } from '../sam/weight-source.ts';
import { type SamModel, weightBytes } from '../sam/weights.ts';
import { openTestGpu, refuseBuffers } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import { withEntry } from '../testing/with-entry.ts';
import type { TrainingSet } from './batches.ts';
import { type BestWeights, type RunStorage, readCheckpoint } from './checkpoint.ts';
import { encoderTrainingGraph } from './encoder-graph.ts';
import { estimateMemory } from './estimate.ts';
import type { TrainEvent } from './events.ts';
import { Trainer, type TrainingEnd } from './loop.ts';
import { atOnce } from './pieces.ts';
import { planTraining } from './plans.ts';
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

const sizes = { objectsPerImage: 2, objectsPerPass: 0, corrections: 1 };
const config = parseTrainConfig({ imagesPerStep: 1, objectsPerImage: 2, corrections: 1, minArea: 0 });

const plan = (methods: string[], more: { trainDecoder?: boolean; blocks?: 'late' } = {}) =>
  planTraining(MICRO_SAM, resolveMopeft({ methods, ...more }, MICRO_SAM), sizes, gpu);

function image() {
  const random = { augment: Random.fromSeed(1), prompts: Random.fromSeed(2) };
  const { image: prepared } = prepareImage(drawSample('a', 1), MICRO_SAM, config, random, 0);
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
      const plans = planTraining(MICRO_SAM, mopeft, sizes, gpu);
      const before = gpu.allocatedBytes;
      const step = await TrainingStep.create(gpu, model, plans);
      const own = estimateMemory(plans).peakBytes - weightBytes(MICRO_SAM) - READBACK_BYTES;
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
      const embedding = await step.encoder.readEmbedding();
      const values = await step.parameters.read('param');
      step.release();
      const tensors = new Map([...values].map(([name, data]) => [name, gpu.upload(data, name)]));
      const session = await SamSession.open(gpu, model, {
        tensors,
        slots: (graph) => attachModules(graph, mopeft, graphInputs(graph), 'evaluation').slots,
      });
      await session.encode(image().input);
      expect(await session.embedding()).toEqual(embedding);
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
    await step.optimizer.update(1, settings, 1);
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
    const plans = plan(['lora', 'adapter']);
    const step = await TrainingStep.create(gpu, model, plans);
    await step.initialise(3);
    const { parts, peakBytes } = estimateMemory(plans);
    const frozen = parts.find(({ label }) => label === 'Frozen weights')?.bytes ?? 0;
    // The device has its staging buffers from the start.
    expect(gpu.allocatedBytes - before).toBe(peakBytes - frozen - READBACK_BYTES);
    expect(frozen).toBe(model.weights.bytes);
    const once = () =>
      step
        .gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5))
        .then(() => step.optimizer.update(1, settings, 1));
    await once();
    const count = gpu.allocationCount;
    await once();
    expect(gpu.allocationCount).toBe(count);
    step.release();
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('leaves nothing on the device when it cannot be opened, whatever was in the way, and can be opened then', async () => {
    const before = gpu.allocatedBytes;
    const plans = plan(['lora']);
    for (const label of ['parameters m 0', 'image', 'encoder 0', 'adamw settings']) {
      const end = refuseBuffers(gpu, label);
      const opened = TrainingStep.create(gpu, model, plans);
      await expect(opened, label).rejects.toMatchObject({ record: { code: 'gpu/invalid' } });
      end();
      expect(gpu.allocatedBytes, label).toBe(before);
    }
    const compile = vi.spyOn(gpu.device, 'createComputePipelineAsync').mockRejectedValue(new Error('no'));
    const encoder = { ...MICRO_SAM.encoder, hiddenSize: 32 };
    const other = await openMicroModel(gpu, { ...MICRO_SAM, encoder });
    const wider = planTraining(other.config, resolveMopeft({ methods: ['lora'] }, other.config), sizes, gpu);
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
      const plans = planTraining(MICRO_SAM, mopeft, { ...sizes, objectsPerPass, corrections: 0 }, gpu);
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

describe('a frozen encoder', () => {
  it('remembers an image by its key, and answers as if it had been encoded again', async () => {
    const step = await TrainingStep.create(gpu, model, plan([]));
    await step.initialise(3);
    const [first, second] = [image().input, image().input.map((value) => 1 - value)];
    await step.encode(first, 'first');
    const embedding = await step.encoder.readEmbedding();
    await step.encode(second, 'second');
    expect(await step.encoder.readEmbedding()).not.toEqual(embedding);
    await step.encode(new Float32Array(first.length), 'first');
    expect(await step.encoder.readEmbedding()).toEqual(embedding);
    step.release();
  });
});

describe('recomputing blocks in the backward', () => {
  it('needs less memory and gives the same gradients, bit for bit', async () => {
    const encoder = { ...MICRO_SAM.encoder, numHiddenLayers: 5, globalAttnIndexes: [1, 4] };
    const sam = { ...MICRO_SAM, encoder };
    const deeper = await openMicroModel(gpu, sam);
    const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'], trainDecoder: false }, sam);
    const kept = planTraining(sam, mopeft, sizes, gpu);
    const again = planGraph(atOnce(encoderTrainingGraph(sam, mopeft, kept.tensors, () => false)), gpu.traits);
    expect(again.poolBytes).toBeLessThan(0.7 * kept.encoder.poolBytes);
    const gradientsOf = async (plans: typeof kept) => {
      const step = await TrainingStep.create(gpu, deeper, plans);
      await step.initialise(3);
      await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      await step.optimizer.update(1, settings, 1);
      await step.gradients([image()], 1, Random.fromSeed(4), Random.fromSeed(5));
      const grads = await step.parameters.read('grad');
      step.release();
      return grads;
    };
    const [whole, recomputed] = [await gradientsOf(kept), await gradientsOf({ ...kept, encoder: again })];
    expect(whole?.size).toBe(kept.tensors.length);
    expect(recomputed).toEqual(whole);
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

class MemoryStorage implements RunStorage {
  checkpoint: Uint8Array | null = null;
  best: BestWeights | null = null;
  readCheckpoint = async () => this.checkpoint;
  writeCheckpoint = async (bytes: Uint8Array) => {
    this.checkpoint = bytes;
  };
  readBest = async () => this.best;
  writeBest: RunStorage['writeBest'] = async (best) => {
    this.best = best;
  };
}

const CONFIG = parseTrainConfig({
  steps: 5,
  seed: 11,
  imagesPerStep: 1,
  objectsPerImage: 2,
  corrections: 1,
  evalEvery: 3,
  evalImages: 1,
  evalObjects: 1,
  checkpointEvery: 2,
  lrPeft: 1e-2,
});

interface Trained {
  readonly events: TrainEvent[];
  readonly end: TrainingEnd;
}

/** Trains until the end, or until an event asks for a pause or a stop. */
async function train(
  storage: MemoryStorage,
  config: TrainConfig,
  {
    pauseOn,
    stopOn,
    resume = false,
    sets = [drawnSet('left', 1), drawnSet('right', 2, 2)],
  }: {
    pauseOn?: (event: TrainEvent) => boolean;
    stopOn?: (event: TrainEvent) => boolean;
    resume?: boolean;
    sets?: TrainingSet[];
  } = {},
): Promise<Trained> {
  const events: TrainEvent[] = [];
  const trainer = await Trainer.open(
    {
      gpu,
      model,
      mopeft: resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, MICRO_SAM),
      config,
      sets,
      storage,
      emit: (event) => {
        events.push(event);
        if (pauseOn?.(event)) trainer.pause();
        if (stopOn?.(event)) trainer.stop();
      },
    },
    resume,
  );
  try {
    return { events, end: await trainer.run() };
  } finally {
    trainer.release();
  }
}

async function checkpointOf({ checkpoint }: MemoryStorage) {
  const bytes = checkpoint ?? new Uint8Array();
  const { state } = await readCheckpoint(bytes, 'checkpoint');
  return { state, tensors: await (await Safetensors.open(bytesSource('checkpoint', bytes))).readAll() };
}

/** What must be equal: everything but the time it took. */
const measured = (events: readonly TrainEvent[], after: number) =>
  events.flatMap((event): TrainEvent[] => {
    if (event.type === 'step' && event.step > after) return [{ ...event, ms: 0 }];
    return (event.type === 'eval' || event.type === 'gates') && event.step > after ? [event] : [];
  });

describe('a run', () => {
  it('goes on after a pause with the losses of the uninterrupted run, bit for bit', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const before = gpu.allocatedBytes;
    const uninterrupted = await train(whole, CONFIG);
    expect(uninterrupted.end).toBe('finished');
    const steps = uninterrupted.events.filter(({ type }) => type === 'step');
    expect(steps.length).toBe(5);

    const first = await train(parts, CONFIG, {
      pauseOn: (event) => event.type === 'step' && event.step === 3,
    });
    expect(first.end).toBe('paused');
    expect(parts.checkpoint).not.toEqual(whole.checkpoint);
    const second = await train(parts, CONFIG, { resume: true });
    expect(second.end).toBe('finished');
    expect([...measured(first.events, -1), ...measured(second.events, -1)]).toEqual(
      measured(uninterrupted.events, -1),
    );
    expect(parts.checkpoint).toEqual(whole.checkpoint);
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('leaves off an evaluation when it shall pause, and does it when it goes on', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const short = { ...CONFIG, steps: 2, evalEvery: 1 };
    const uninterrupted = await train(whole, short);
    let done = 0;
    const first = await train(parts, short, {
      pauseOn: (event) => {
        if (event.type === 'step') done = event.step;
        return done === 1 && event.type === 'activity';
      },
    });
    expect(first.end).toBe('paused');
    expect(first.events.filter((event) => event.type === 'eval').map(({ step }) => step)).toEqual([0, 0]);
    const second = await train(parts, short, { resume: true });
    expect([...measured(first.events, -1), ...measured(second.events, -1)]).toEqual(
      measured(uninterrupted.events, -1),
    );
    expect(parts.checkpoint).toEqual(whole.checkpoint);
  });

  it('evaluates at step 0 and keeps the best weights; its events name datasets, splits and gates', async () => {
    const storage = new MemoryStorage();
    const { events } = await train(storage, { ...CONFIG, steps: 1 });
    const evals = events.filter((event) => event.type === 'eval');
    expect(evals.map(({ step, dataset, split }) => [step, dataset, split])).toEqual(
      [0, 1].flatMap((step) => ['left', 'right'].map((dataset) => [step, dataset, 'val'])),
    );
    for (const { box_iou, click_iou, n } of evals) {
      expect(n).toBe(1);
      for (const iou of [box_iou, click_iou]) expect(iou).toBeGreaterThanOrEqual(0);
    }
    const gates = events.filter((event) => event.type === 'gates');
    expect(gates.length).toBe(4);
    for (const { layers } of gates) {
      expect(layers.map((layer) => Object.keys(layer).sort())).toEqual(
        Array(2).fill(['adapter', 'lora', 'prefix']),
      );
    }
    expect(events.filter(({ type }) => type === 'best').length).toBeGreaterThan(0);
    expect(storage.best?.tensors.has('blocks.1.gate.adapter.weight')).toBe(true);
  });

  it('measures nothing of a dataset whose validation images have no object, and says nothing', async () => {
    const [left, right] = [drawnSet('left', 1), drawnSet('right', 2, 2)];
    const bare: TrainingSet['load'] = async (name) => {
      const sample = drawSample(name, 2);
      const objects = name.startsWith('val') ? { ...sample.objects, regions: [] } : sample.objects;
      return { ok: true, value: { ...sample, objects } };
    };
    const storage = new MemoryStorage();
    const sets = [left, { ...right, load: bare }];
    const { events } = await train(storage, { ...CONFIG, steps: 1 }, { sets });
    const measured = events.flatMap((event) =>
      event.type === 'eval' || event.type === 'gates' ? [`${event.type} ${event.dataset}`] : [],
    );
    expect(new Set(measured)).toEqual(new Set(['eval left', 'gates left']));
  });

  it.each(['paused', 'stopped'] as const)(
    'without validation images keeps the latest weights when it is %s, between two evaluations',
    async (end) => {
      const storage = new MemoryStorage();
      const set = drawnSet('left', 1);
      const ends = (event: TrainEvent) => event.type === 'step' && event.step === 2;
      const trained = await train(
        storage,
        { ...CONFIG, evalEvery: 50 },
        {
          sets: [{ ...set, split: { ...set.split, val: [] } }],
          ...(end === 'paused' ? { pauseOn: ends } : { stopOn: ends }),
        },
      );
      expect(trained.end).toBe(end);
      expect(storage.best).toMatchObject({ step: 2, score: null, maskThreshold: 0 });
      const { state, tensors } = await checkpointOf(storage);
      expect(state).toMatchObject({ step: 2, bestStep: 2, bestScore: null });
      for (const [name, { data }] of storage.best?.tensors ?? [])
        expect(data, name).toEqual(tensors.get(`param.${name}`)?.data);
    },
  );

  it('stops when the loss is no number and keeps the last good checkpoint', async () => {
    const storage = new MemoryStorage();
    // Far beyond what a screen allows: the first update leaves nothing finite behind.
    const wild = { ...CONFIG, steps: 50, checkpointEvery: 1, lrPeft: 1e30, lrDecoder: 1e30, warmup: 0 };
    const failure = await train(storage, wild).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(failure).toBeInstanceOf(Failure);
    if (!(failure instanceof Failure)) return;
    expect(failure.record.code).toBe('train/not-finite');
    expect(failure.record.what).toMatch(
      storage.checkpoint ? /checkpoint of step \d+ is kept/ : /No checkpoint/,
    );
  });

  it('says that there is nothing to go on from', async () => {
    await expect(train(new MemoryStorage(), CONFIG, { resume: true })).rejects.toThrow(/no checkpoint/);
  });
});
