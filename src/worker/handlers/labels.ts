import type { EngineState } from '../engine-state.ts';
import { LabelRepository } from '../label-repository.ts';
import type { CallName } from '../protocol.ts';
import { ok } from '../result.ts';
import type { Handlers } from '../serve.ts';

type LabelCalls = Extract<CallName, `labels.${string}`>;

/** What a person labels. */
export function labelHandlers(engine: Promise<{ readonly state: EngineState }>): Pick<Handlers, LabelCalls> {
  const labels = engine.then(({ state }) => new LabelRepository(state.store, state.datasets));
  return {
    'labels.open': async (ref) => ok(await (await labels).open(ref)),
    'labels.save': async ({ datasetId, sampleId, ...request }) =>
      ok(await (await labels).save({ datasetId, sampleId }, request)),
    'labels.setClasses': async ({ datasetId, classes }) =>
      ok(await (await labels).setClasses(datasetId, classes)),
    'labels.queue': async ({ datasetId }) => {
      const { stored } = await (await engine).state.datasets.open(datasetId);
      return ok(
        stored.samples.map(({ name }, i) => ({
          sampleId: name,
          status: stored.statuses[i] ?? 'unlabelled',
          score: null,
          reason: 'Not looked at yet.',
        })),
      );
    },
  };
}
