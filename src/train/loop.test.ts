import { describe, expect, it, vi } from 'vitest';
import { Failure } from '../config/failure.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { openTestGpu } from '../testing/device.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import { checkpointOf, MemoryStorage, measured, openShortRuns, SHORT } from '../testing/short-runs.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import type { TrainEvent } from './events.ts';
import { Trainer } from './loop.ts';
import { localData, type TrainingData } from './training-data.ts';
import type { TrainingSet } from './training-set.ts';

const { train } = await openShortRuns();

describe('a run', () => {
  it('says where the time of each step went, and profiles one on request, which changes no loss', async () => {
    const short = { ...SHORT, steps: 2, evalEvery: 2 };
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
    const short = { ...SHORT, objectsPerImage: 1, corrections: 0, steps: 1, evalEvery: 1 };
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
    const { events } = await train(storage, { ...SHORT, steps: 1 });
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
    const { events } = await train(storage, { ...SHORT, steps: 1 }, { sets });
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
        { ...SHORT, evalEvery: 50 },
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
    const wild = { ...SHORT, steps: 50, checkpointEvery: 1, lrPeft: 1e30, lrDecoder: 1e30, warmup: 0 };
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
});
