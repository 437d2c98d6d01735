/** Found objects on their way into the labels of the open image. */
import type { FoundObject, LabelObject } from '../../worker/protocol.ts';
import { loadDatasets } from './datasets.ts';
import { callEngine } from './engine-link.ts';
import { notifyFailure } from './notices.ts';
import { useRuns } from './runs.ts';
import { useSegment } from './segment.ts';
import { useSession } from './session.ts';

/** Adds objects to the labels of the open image. Returns whether they are kept; if not, says why. */
export async function keepFound(found: readonly FoundObject[]): Promise<boolean> {
  const { source } = useSegment.getState();
  if (source?.kind !== 'sample') {
    notifyFailure({
      code: 'find/no-dataset',
      what: 'Objects are kept with images of a dataset, and this is a file.',
      cure: 'Drop the file on the Data page, then open it from there.',
    });
    return false;
  }
  if (found.length === 0) return true;
  const { datasetId, sampleId } = source;
  const opened = await callEngine('labels.open', { datasetId, sampleId });
  if (!opened.ok) {
    notifyFailure(opened.error);
    return false;
  }
  const { labels, history, classes } = opened.value;
  const origin = { kind: 'found', model: modelName() } as const;
  const added = found.map(
    ({ runs }): LabelObject => ({
      id: crypto.randomUUID(),
      classValue: classes[0]?.value ?? 1,
      runs,
      origin,
      created: Date.now(),
      locked: false,
      hidden: false,
    }),
  );
  const objects = [...labels.objects, ...added];
  const status = labels.status === 'unlabelled' ? 'in-work' : labels.status;
  const step = {
    title: 'Accept found objects',
    objects: added.map((object, i) => ({
      before: null,
      after: { index: labels.objects.length + i, object },
    })),
  };
  const entries = [...history.entries.slice(0, history.index), step];
  const saved = await callEngine('labels.save', {
    datasetId,
    sampleId,
    labels: { ...labels, objects, status },
    history: { entries, index: entries.length },
    baseRevision: labels.revision,
  });
  if (!saved.ok) {
    notifyFailure(saved.error);
    return false;
  }
  if (saved.value.dataset) void loadDatasets();
  return true;
}

/** The model that answers, with the run's name where it is tuned. */
function modelName(): string {
  const { side, runId } = useSegment.getState();
  const run = side === 'tuned' ? useRuns.getState().runs.find(({ id }) => id === runId) : undefined;
  const name = useSession.getState().model?.name ?? 'unknown model';
  return run ? `${name}, ${run.name}` : name;
}
