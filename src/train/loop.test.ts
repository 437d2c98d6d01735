import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Failure } from '../config/failure.ts';
import type { MopeftRequest } from '../config/mopeft.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../sam/checkpoint/safetensors.ts';
import type { SamModel } from '../sam/weights.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import { type BestWeights, type RunStorage, readCheckpoint } from './checkpoint.ts';
import type { TrainEvent } from './events.ts';
import { Trainer, type TrainingEnd } from './loop.ts';
import type { PlanRequest } from './plan-training.ts';
import { TokenCache } from './token-cache.ts';
import { localData, type TrainingData } from './training-data.ts';
import type { TrainingSet } from './training-set.ts';

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
    isProfiled = false,
    sets = [drawnSet('left', 1), drawnSet('right', 2, 2)],
    data = localData(MICRO_SAM, config, sets),
    frozen = model,
    blocks = 'all',
    request = {},
    kept,
    pauseBetween,
  }: {
    pauseOn?: (event: TrainEvent) => boolean;
    stopOn?: (event: TrainEvent) => boolean;
    resume?: boolean;
    /** Whether the first step is. */
    isProfiled?: boolean;
    sets?: TrainingSet[];
    data?: TrainingData;
    frozen?: SamModel;
    blocks?: 'all' | 'late';
    /** What else is asked of the modules. */
    request?: Pick<MopeftRequest, 'gate' | 'budget' | 'budgetBy'>;
    kept?: TokenCache;
    /** Asked between two submits, while others may use the device. */
    pauseBetween?: () => boolean;
  } = {},
): Promise<Trained> {
  const events: TrainEvent[] = [];
  const trainer = await Trainer.open(
    {
      gpu,
      model: frozen,
      mopeft: resolveMopeft({ methods: ['lora', 'prefix', 'adapter'], blocks, ...request }, MICRO_SAM),
      config,
      data,
      storage,
      ...(kept && { kept }),
      emit: (event) => {
        events.push(event);
        if (pauseOn?.(event)) trainer.pause();
        if (stopOn?.(event)) trainer.stop();
      },
      yieldDevice: async () => {
        if (pauseBetween?.()) trainer.pause();
      },
    },
    resume,
  );
  try {
    if (isProfiled) trainer.profileNextStep();
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
    if (event.type === 'step' && event.step > after) {
      const { spans, ...others } = event;
      return [{ ...others, ms: 0 }];
    }
    return (event.type === 'eval' || event.type === 'gates') && event.step > after ? [event] : [];
  });

describe.each([
  ['budget', {}],
  ['budget', { budgetBy: 'validation' }],
  ['hard', {}],
] as const)('a run with gate form %s, %j', (gate, by) => {
  // Ten steps are few for gates that move: at ten times the usual rate they get as far as in a hundred.
  const config = { ...CONFIG, steps: 10, evalEvery: 5, checkpointEvery: 50, corrections: 0, lrGate: 0.01 };
  const request = { gate, budget: 0.3, ...by };
  const left = (events: readonly TrainEvent[]) =>
    events.flatMap((event) => (event.type === 'modules' ? [event] : []));

  it('keeps a share of the modules, stores no other, and goes on after a pause bit for bit', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const before = gpu.allocatedBytes;
    const kept = new TokenCache();
    const uninterrupted = await train(whole, config, { request, kept });
    expect(gpu.allocatedBytes).toBe(before);
    const told = left(uninterrupted.events);
    expect(told[0]).toMatchObject({ step: 0, left: Array(2).fill(['lora', 'prefix', 'adapter']) });
    expect(told.at(-1)?.left.flat().length, 'modules that are left').toBeLessThan(6);

    // Where modules are taken out, and between.
    const stages: Trained[] = [];
    for (const step of [4, 6, 10])
      stages.push(
        await train(parts, config, {
          request,
          resume: step > 4,
          pauseOn: (event) => event.type === 'step' && event.step === step && step < 10,
        }),
      );
    expect(stages.map(({ end }) => end)).toEqual(['paused', 'paused', 'finished']);
    const events = stages.flatMap((stage) => stage.events);
    expect(measured(events, -1)).toEqual(measured(uninterrupted.events, -1));
    expect(left(events)).toEqual(told);
    expect(parts.checkpoint).toEqual(whole.checkpoint);
    expect(parts.best).toEqual(whole.best);
    // Nothing but the base model is kept before it is settled what is left.
    expect(
      uninterrupted.events.flatMap((event) => (event.type === 'best' ? [event.step] : [])),
    ).not.toContain(5);
  });
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

  it('leaves a step in its middle when it is paused, and takes it again bit for bit when it goes on', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const config = { ...CONFIG, steps: 3 };
    const uninterrupted = await train(whole, config);
    const events: TrainEvent[] = [];
    let submits = 0;
    let pauses = -1;
    for (let resume = false, end: TrainingEnd = 'paused'; end !== 'finished'; resume = true) {
      let between = 0;
      const stage = await train(parts, config, {
        resume,
        // Later each time, so that some are left early in a step and others late or between two.
        pauseBetween: () => ++between > 3 + submits,
      });
      submits += 9;
      pauses += 1;
      end = stage.end;
      events.push(...stage.events);
    }
    expect(pauses).toBeGreaterThan(1);
    expect(measured(events, -1)).toEqual(measured(uninterrupted.events, -1));
    expect(parts.checkpoint).toEqual(whole.checkpoint);
  });

  it('goes on as exactly with frozen weights in half precision and lower blocks that are kept, and in no other precision', async () => {
    const frozen = await openMicroModel(gpu, MICRO_SAM, 1, { precision: 'f16' });
    // Every view of an image comes again, so a resumed run has yet to compute what the other has kept.
    const still = { minCrop: 1, brightness: 0, contrast: 0, flips: false, quarterTurns: false };
    const config = { ...CONFIG, ...still, weights: 'f16' as const };
    const sets = [drawnSet('left', 1, 1)];
    const options = { frozen, sets, blocks: 'late' as const };
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const uninterrupted = await train(whole, config, options);
    const pauseOn = (event: TrainEvent) => event.type === 'step' && event.step === 3;
    const first = await train(parts, config, { ...options, pauseOn });
    const other = train(parts, { ...config, weights: 'f32' }, { ...options, frozen: model, resume: true });
    await expect(other).rejects.toMatchObject({ record: { code: 'train/other-weights' } });
    const second = await train(parts, config, { ...options, resume: true });
    expect([...measured(first.events, -1), ...measured(second.events, -1)]).toEqual(
      measured(uninterrupted.events, -1),
    );
    expect(parts.checkpoint).toEqual(whole.checkpoint);
    frozen.weights.release();
  });

  it('goes on with the kernels that it began with, whatever is measured on the adapter later', async () => {
    const storage = new MemoryStorage();
    const config = { ...CONFIG, steps: 3 };
    const { traits } = gpu;
    const [began, later] = [{ wideProductsFrom: 7 }, { wideProductsFrom: 9 }];
    const choicesOf = async (resume: boolean) => {
      const data = localData(MICRO_SAM, config, [drawnSet('left', 1)]);
      const plan = vi.fn(() => Promise.reject(new Error('planned')));
      const mopeft = resolveMopeft({ methods: ['lora', 'prefix', 'adapter'] }, MICRO_SAM);
      const open = Trainer.open({ gpu, model, mopeft, config, data, storage, emit: vi.fn(), plan }, resume);
      await expect(open).rejects.toThrow('planned');
      return plan.mock.calls.flat().map((request: PlanRequest) => request.device.traits.kernels);
    };
    try {
      gpu.traits = { ...traits, kernels: began };
      await train(storage, config, { pauseOn: (event) => event.type === 'step' && event.step === 2 });
      expect((await checkpointOf(storage)).state.kernels).toEqual(began);
      gpu.traits = { ...traits, kernels: later };
      expect(await choicesOf(true)).toEqual([began]);
      expect(await choicesOf(false)).toEqual([later]);
      await train(storage, config, { resume: true });
      expect((await checkpointOf(storage)).state).toMatchObject({ step: 3, kernels: began });
    } finally {
      gpu.traits = traits;
    }
  });

  it('takes the same steps whether a batch was prefetched and lost, was prefetched and used, or was not', async () => {
    const config = { ...CONFIG, steps: 6, evalEvery: 6, checkpointEvery: 3 };
    const lossesOf = ({ events }: Pick<Trained, 'events'>) =>
      events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
    const counted = () => {
      const data = localData(MICRO_SAM, config, [drawnSet('left', 1), drawnSet('right', 2, 2)]);
      const next = vi.fn(data.next);
      return { data: { ...data, next }, next };
    };
    const whole = counted();
    const losses = lossesOf(await train(new MemoryStorage(), config, { data: whole.data }));
    expect(losses).toHaveLength(6);
    expect(whole.next, 'no batch after the last step').toHaveBeenCalledTimes(6);

    // The program ends during step 5, when the losses of step 4 come: the checkpoint is that of step 3, and three batches after it were drawn.
    const storage = new MemoryStorage();
    const killed = counted();
    const events: TrainEvent[] = [];
    const kill = (event: TrainEvent) => {
      if (event.type === 'step' && event.step === 4) throw new Error('killed');
      events.push(event);
      return false;
    };
    await expect(train(storage, config, { data: killed.data, pauseOn: kill })).rejects.toThrow('killed');
    expect(killed.next, 'the losses of a step come while the next one runs').toHaveBeenCalledTimes(6);
    expect((await checkpointOf(storage)).state.step).toBe(3);
    const rest = await train(storage, config, { resume: true });
    expect([...lossesOf({ events }), ...lossesOf(rest)]).toEqual(losses);

    // Every session takes one step, of a batch that was not prefetched.
    const stepwise = new MemoryStorage();
    const each: number[] = [];
    for (let step = 0; step < 6; step++) {
      const pauseOn = (event: TrainEvent) => event.type === 'step';
      const everyStep = { ...config, checkpointEvery: 1 };
      each.push(...lossesOf(await train(stepwise, everyStep, { pauseOn, resume: step > 0 })));
    }
    expect(each).toEqual(losses);
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

  it('says where the time of each step went, and profiles one on request, which changes no loss', async () => {
    const short = { ...CONFIG, steps: 2, evalEvery: 2 };
    const { events } = await train(new MemoryStorage(), short, { isProfiled: true });
    const other = await train(new MemoryStorage(), short);
    expect(measured(events, 0)).toEqual(measured(other.events, 0));
    for (const event of events) {
      if (event.type !== 'step') continue;
      const { data = 0, encoding = 0, waiting = 0, busy = 0 } = event.spans ?? {};
      expect(waiting).toBeGreaterThan(0);
      expect(data + encoding + waiting).toBeLessThanOrEqual(event.ms);
      expect(busy).toBeLessThanOrEqual(event.ms);
    }
    const profiles = events.filter((event) => event.type === 'profile');
    expect(profiles.map(({ step, clock }) => [step, clock])).toEqual([[1, 'fences']]);
    const phases = new Set(profiles[0]?.passes.map(({ phase }) => phase));
    expect(phases).toEqual(new Set(['forward', 'sums', 'click', 'backward', 'norm', 'update']));
    expect(other.events.some(({ type }) => type === 'profile')).toBe(false);
  });

  it('compiles beside the first batch and the buffers, and nothing the second time', async () => {
    const own = await openTestGpu();
    const create = vi.spyOn(own.device, 'createComputePipelineAsync');
    const opened = await openMicroModel(own);
    const short = { ...CONFIG, objectsPerImage: 1, corrections: 0, steps: 1, evalEvery: 1 };
    const before: number[] = [];
    for (let run = 0; run < 2; run++) {
      const data = localData(MICRO_SAM, short, [drawnSet('left', 1)]);
      const next = vi.fn(data.next);
      const open = vi.fn(async (state: Parameters<TrainingData['open']>[0]) => {
        before.push(create.mock.calls.length);
        return data.open(state);
      });
      const trainer = await Trainer.open({
        gpu: own,
        model: opened,
        mopeft: resolveMopeft({ methods: [] }, MICRO_SAM),
        config: short,
        data: { ...data, open, next },
        storage: new MemoryStorage(),
        emit: () => undefined,
      });
      expect(next, 'the first batch is drawn from the start').toHaveBeenCalledTimes(1);
      await trainer.run();
      expect(next).toHaveBeenCalledTimes(1);
      trainer.release();
    }
    const [compiled = 0] = before;
    expect(compiled).toBeGreaterThan(30);
    // All were asked for before the data were opened.
    expect(create).toHaveBeenCalledTimes(compiled);
    own.destroy();
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
    expect(failure.record.what).toContain('a learning rate of 1e+30 for the methods');
    expect(failure.record.what).toMatch(
      storage.checkpoint ? /checkpoint of step \d+ is kept/ : /No checkpoint/,
    );
  });

  it('says that there is nothing to go on from', async () => {
    await expect(train(new MemoryStorage(), CONFIG, { resume: true })).rejects.toThrow(/no checkpoint/);
  });
});
