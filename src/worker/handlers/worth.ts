import { taylorScores } from '../../engine/worth/taylor.ts';
import type { CallName } from '../protocol.ts';
import { ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type WorthCalls = Extract<CallName, `worth.${string}`>;

/** What the modules of runs are worth. */
export function worthHandlers(training: Promise<TrainingService>): Pick<Handlers, WorthCalls> {
  return {
    'worth.read': async ({ runId }) => {
      const { worth, repository } = await training;
      const lines = await repository.filesOf(runId).readMetrics();
      return ok({ worth: await worth.read(runId), taylor: taylorScores(lines) });
    },
    'worth.forecast': async ({ runId }) => ok(await (await training).worth.forecast(runId)),
    'worth.measure': async ({ runId }, call) => ok(await (await training).worth.measure(runId, call)),
    'worth.prune': async ({ runId }, call) => ok(await (await training).worth.prune(runId, call)),
  };
}
