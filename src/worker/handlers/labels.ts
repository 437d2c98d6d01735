import { askingFor } from '../../engine/segmenter.ts';
import type { EngineState } from '../engine-state.ts';
import { LabelQueue } from '../label-queue.ts';
import { LabelRepository } from '../label-repository.ts';
import type { CallName } from '../protocol.ts';
import { ok } from '../result.ts';
import type { SegmentationService } from '../segmentation-service.ts';
import type { Handlers } from '../serve.ts';

type LabelCalls = Extract<CallName, `labels.${string}`>;

/** What a person labels. */
export function labelHandlers(
  engine: Promise<{ readonly state: EngineState; readonly service: SegmentationService }>,
): Pick<Handlers, LabelCalls> {
  const labels = engine.then(({ state }) => new LabelRepository(state.store, state.datasets));
  return {
    'labels.open': async (ref) => ok(await (await labels).open(ref)),
    'labels.save': async ({ datasetId, sampleId, ...request }) =>
      ok(await (await labels).save({ datasetId, sampleId }, request)),
    'labels.setClasses': async ({ datasetId, classes }) =>
      ok(await (await labels).setClasses(datasetId, classes)),
    'labels.queue': async ({ datasetId, variant, onlyKnown = false }, call) => {
      const { state, service } = await engine;
      const queue = new LabelQueue(state.store, state.datasets);
      const model = async () => {
        const { open, segmenter } = state.needModel();
        const named = await service.weightsOf(variant);
        const weights = askingFor(named.weights, variant.kind === 'run' ? variant.dataset : undefined);
        return { key: `${open.hash} ${weights.key}`, segmenter, weights };
      };
      if (!onlyKnown) return ok(await queue.list(datasetId, await model(), call));
      // Labelling by hand needs neither a device nor a model.
      return ok(await queue.list(datasetId, await model().catch(() => null), null));
    },
  };
}
