import type { CallName } from '../protocol.ts';
import { ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type QueueCalls = Extract<CallName, `queue.${string}`>;

/** Runs that wait for their turn. */
export function queueHandlers(service: Promise<TrainingService>): Pick<Handlers, QueueCalls> {
  const queue = service.then((training) => training.queue);
  return {
    'queue.list': async () => ok(await (await queue).list()),
    'queue.add': async ({ settings }) => ok(await (await queue).add(settings)),
    'queue.remove': async ({ ids }) => ok(await (await queue).remove(ids)),
    'queue.move': async ({ id, to }) => ok(await (await queue).move(id, to)),
    'queue.goOn': async ({ isAsked }) => {
      const runs = await queue;
      await runs.goOn(isAsked ? 'asked' : 'opened');
      return ok(await runs.list());
    },
  };
}
