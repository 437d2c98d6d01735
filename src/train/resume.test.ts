import { describe, expect, it, vi } from 'vitest';
import { resolveMopeft } from '../peft/resolve.ts';
import { MICRO_SAM, openMicroModel } from '../testing/micro-model.ts';
import {
  checkpointOf,
  MemoryStorage,
  measured,
  openShortRuns,
  SHORT,
  type Trained,
} from '../testing/short-runs.ts';
import { drawnSet } from '../testing/training-sets.ts';
import type { TrainEvent } from './events.ts';
import { Trainer, type TrainingEnd } from './loop.ts';
import type { PlanRequest } from './plan-training.ts';
import { localData } from './training-data.ts';

const { gpu, model, train } = await openShortRuns();

describe('a run', () => {
  it('goes on after a pause with the losses of the uninterrupted run, bit for bit', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const before = gpu.allocatedBytes;
    const uninterrupted = await train(whole, SHORT);
    expect(uninterrupted.end).toBe('finished');
    const steps = uninterrupted.events.filter(({ type }) => type === 'step');
    expect(steps.length).toBe(5);

    const first = await train(parts, SHORT, {
      pauseOn: (event) => event.type === 'step' && event.step === 3,
    });
    expect(first.end).toBe('paused');
    expect(parts.checkpoint).not.toEqual(whole.checkpoint);
    const second = await train(parts, SHORT, { resume: true });
    expect(second.end).toBe('finished');
    expect([...measured(first.events, -1), ...measured(second.events, -1)]).toEqual(
      measured(uninterrupted.events, -1),
    );
    expect(parts.checkpoint).toEqual(whole.checkpoint);
    expect(gpu.allocatedBytes).toBe(before);
  });

  it('leaves a step in its middle when it is paused, and takes it again bit for bit when it goes on', async () => {
    const [whole, parts] = [new MemoryStorage(), new MemoryStorage()];
    const config = { ...SHORT, steps: 3 };
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
    const config = { ...SHORT, ...still, weights: 'f16' as const };
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
    const config = { ...SHORT, steps: 3 };
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
    const config = { ...SHORT, steps: 6, evalEvery: 6, checkpointEvery: 3 };
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
    const short = { ...SHORT, steps: 2, evalEvery: 1 };
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

  it('says that there is nothing to go on from', async () => {
    await expect(train(new MemoryStorage(), SHORT, { resume: true })).rejects.toThrow(/no checkpoint/);
  });
});
