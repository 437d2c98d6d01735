import { describe, expect, it } from 'vitest';
import { MemoryStorage, measured, openShortRuns, SHORT, type Trained } from '../testing/short-runs.ts';
import type { TrainEvent } from './events.ts';
import { TokenCache } from './token-cache.ts';

const { gpu, train } = await openShortRuns();

describe.each([
  ['budget', {}],
  ['budget', { budgetBy: 'validation' }],
  ['hard', {}],
] as const)('a run with gate form %s, %j', (gate, by) => {
  // Ten steps are few for gates that move: at ten times the usual rate they get as far as in a hundred.
  const config = { ...SHORT, steps: 10, evalEvery: 5, checkpointEvery: 50, corrections: 0, lrGate: 0.01 };
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
