import { expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { type CostRequest, planCost } from '../../engine/run/plan-run.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import { type FromPlanner, type PlannerPort, type ToPlanner, threadPlanner } from './planner.ts';

function request(steps: number): CostRequest {
  return {
    sam: MICRO_SAM,
    settings: {
      mopeft: resolveMopeft({ methods: ['lora'] }, MICRO_SAM),
      train: parseTrainConfig({ steps, objectsPerImage: 1, corrections: 1 }),
    },
    device: { traits: { isSoftware: true, hasSubgroups: false, hasF16: false }, bufferLimit: 2 ** 28 },
  };
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
  const costs = [planner(request(3)), planner(request(4)), planner(request(3))];
  expect(thread.asked.map(({ request: { settings } }) => settings.train.steps)).toEqual([3, 4]);
  for (const { id, request: asked } of [...thread.asked].reverse())
    thread.answer({ id, cost: planCost(asked) });
  expect(await Promise.all(costs)).toEqual([3, 4, 3].map((steps) => planCost(request(steps))));
  expect(await planner(request(4))).toMatchObject({ steps: 4, problems: [] });
  expect(thread.asked).toHaveLength(2);
  expect(opened).toBe(1);
});

test('a thread that dies fails what it was asked, and the next question opens another', async () => {
  const threads = [fakeThread(), fakeThread()];
  const [first, second] = threads;
  let opened = 0;
  const planner = threadPlanner(() => threads[opened++]?.port as PlannerPort);
  const lost = planner(request(3));
  first?.die();
  await expect(lost).rejects.toMatchObject({ record: { code: 'internal' } });
  const again = planner(request(3));
  const [{ id } = { id: 0 }] = second?.asked ?? [];
  second?.answer({ id, cost: planCost(request(3)) });
  expect(await again).toMatchObject({ steps: 3 });
});
