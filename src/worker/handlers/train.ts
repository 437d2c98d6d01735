import type { CallName } from '../protocol.ts';
import { done, ok } from '../result.ts';
import { runHistory } from '../run-history.ts';
import type { Handlers } from '../serve.ts';
import type { TrainDesk } from '../train-desk.ts';

type TrainCalls = Extract<CallName, `train.${string}`>;

/** Runs. */
export function trainHandlers(desk: Promise<TrainDesk>): Pick<Handlers, TrainCalls> {
  return {
    'train.plan': async (settings) => ok(await (await desk).plan(settings)),
    'train.start': async (settings) => ok(await (await desk).start(settings)),
    'train.resume': async ({ runId }) => ok(await (await desk).resume(runId)),
    'train.pause': async ({ runId }) => ok(await (await desk).pause(runId)),
    'train.stop': async ({ runId }) => ok(await (await desk).stop(runId)),
    'train.list': async () => ok(await (await desk).list()),
    'train.history': async ({ runId }) => {
      const { book } = await desk;
      return ok(runHistory(await book.filesOf(runId).readMetrics()));
    },
    'train.rename': async ({ runId, name }) => ok(await (await desk).rename(runId, name)),
    'train.delete': async ({ runId }) => {
      await (await desk).delete(runId);
      return done;
    },
  };
}
