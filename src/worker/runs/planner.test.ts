import { expect, test } from 'vitest';
import { planCost } from '../../engine/run/plan-run.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { localPlanner } from '../../testing/local-planner.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { planRequest, planTraining } from '../../train/plan-training.ts';
import { type FromPlanner, type PlannerPort, type ToPlanner, threadPlanner } from './planner.ts';

/** @param corrections tells requests apart. */
function request(corrections: number, bufferLimit = 2 ** 28) {
  const mopeft = resolveMopeft({ methods: ['lora'] }, MICRO_SAM);
  const sizes = {
    imagesPerStep: 1,
    objectsPerImage: 1,
    objectsPerPass: 0,
    corrections,
    memory: 0,
    weights: 'f32' as const,
  };
  return planRequest(MICRO_SAM, mopeft, sizes, {
    traits: { isSoftware: true, hasSubgroups: false },
    bufferLimit,
  });
}

/** A thread that answers when it is told to. */
function fakeThread() {
  const asked: ToPlanner[] = [];
  const listeners: Record<string, (event: never) => void> = {};
  const port: PlannerPort = {
    // As between threads, only plain data comes across.
    postMessage: (message) => void asked.push(structuredClone(message)),
    addEventListener: (type: string, listener: (event: never) => void) => {
      listeners[type] = listener;
    },
    terminate: () => undefined,
  };
  return {
    port,
    asked,
    answer: (data: FromPlanner) => listeners.message?.({ data: structuredClone(data) } as never),
    die: () => listeners.error?.(new Event('error') as never),
  };
}

test('a cost that was planned in the thread is the one that this thread plans, and is planned once', async () => {
  const thread = fakeThread();
  let opened = 0;
  const planner = threadPlanner(() => {
    opened++;
    return thread.port;
  });
  expect(opened).toBe(0);
  const costs = [planner.cost(request(0)), planner.cost(request(1)), planner.cost(request(0))];
  expect(thread.asked.map(({ request: { sizes } }) => sizes.corrections)).toEqual([0, 1]);
  for (const { id, request: asked } of [...thread.asked].reverse())
    thread.answer({ id, cost: planCost(asked).cost });
  expect(await Promise.all(costs)).toEqual(
    [0, 1, 0].map((corrections) => planCost(request(corrections)).cost),
  );
  expect(await planner.cost(request(1))).toMatchObject({ problems: [] });
  expect(thread.asked).toHaveLength(2);
  expect(opened).toBe(1);
});

test('plans that come from the thread are those that this thread makes, their passes made', async () => {
  const planner = localPlanner();
  const [plans, others] = await Promise.all([planner.plans(request(1)), planner.plans(request(0))]);
  expect(plans).toEqual(planTraining(request(1)));
  expect(others).toEqual(planTraining(request(0)));
  expect(Object.getOwnPropertyDescriptor(plans.encoder, 'passes')?.get).toBeUndefined();
});

test('plans that cannot be made are refused as in this thread', async () => {
  const planner = localPlanner();
  await expect(planner.plans(request(0, 1000))).rejects.toThrow(/adapter (allows|binds at most) 1000/);
});

test('a thread that dies fails what it was asked, and the next question opens another', async () => {
  const threads = [fakeThread(), fakeThread()];
  const [first, second] = threads;
  let opened = 0;
  const planner = threadPlanner(() => threads[opened++]?.port as PlannerPort);
  const lost = [planner.cost(request(0)), planner.plans(request(0))];
  first?.die();
  for (const answer of lost) await expect(answer).rejects.toMatchObject({ record: { code: 'internal' } });
  const again = planner.cost(request(0));
  const [{ id } = { id: 0 }] = second?.asked ?? [];
  second?.answer({ id, cost: planCost(request(0)).cost });
  expect(await again).toMatchObject({ problems: [] });
});
