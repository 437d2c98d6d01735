import { readLooks } from '../../engine/run/looks.ts';
import type { CallName } from '../protocol.ts';
import { done, ok } from '../result.ts';
import { runHistory } from '../runs/run-history.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type TrainCalls = Extract<CallName, `train.${string}`>;

/** Runs. */
export function trainHandlers(service: Promise<TrainingService>): Pick<Handlers, TrainCalls> {
  return {
    'train.plan': async (settings) => ok(await (await service).plan(settings)),
    'train.start': async (settings) => ok(await (await service).start(settings)),
    'train.resume': async ({ runId }) => ok(await (await service).resume(runId)),
    'train.pause': async ({ runId }) => ok(await (await service).pause(runId)),
    'train.profile': async ({ runId }) => {
      (await service).profileNextStep(runId);
      return done;
    },
    'train.stop': async ({ runId }) => ok(await (await service).stop(runId)),
    'train.list': async () => ok(await (await service).list()),
    'train.broken': async () => ok(await (await service).broken()),
    'train.history': async ({ runId }) => {
      const { repository } = await service;
      const files = repository.filesOf(runId);
      return ok(runHistory(await files.readMetrics(), await readLooks(files)));
    },
    'train.compare': async ({ runIds, against }) => ok(await (await service).compare(runIds, against)),
    'train.rename': async ({ runId, name }) => ok(await (await service).rename(runId, name)),
    'train.note': async ({ runId, note }) => ok(await (await service).annotate(runId, note)),
    'train.delete': async ({ runId }) => {
      await (await service).delete(runId);
      return done;
    },
  };
}
