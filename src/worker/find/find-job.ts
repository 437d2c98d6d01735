/** The search of datasets that was begun last and not finished, which goes on after a reload. */
import * as v from 'valibot';
import { parseFindSettings } from '../../config/find.ts';
import type { EngineState } from '../engine-state.ts';
import type { FindFolderRequest, FindJob } from '../protocol.ts';

const PATH = 'find-job.json';

const JobSchema = v.object({
  model: v.object({ hash: v.string(), name: v.string() }),
  datasetIds: v.array(v.string()),
  taughtBy: v.exactOptional(v.string()),
  variant: v.variant('kind', [
    v.object({ kind: v.literal('base') }),
    v.object({
      kind: v.literal('run'),
      runId: v.string(),
      dataset: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    }),
  ]),
  settings: v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return parseFindSettings(dataset.value);
      } catch {
        addIssue({ message: 'no settings of this version' });
        return NEVER;
      }
    }),
  ),
});

type State = Pick<EngineState, 'store' | 'datasets' | 'openModelHash'>;

export async function keepJob(
  { store }: State,
  { datasetIds, variant, settings, taughtBy }: FindFolderRequest,
  { hash, name }: { readonly hash: string; readonly name: string },
): Promise<void> {
  const job = { datasetIds, variant, settings, taughtBy, model: { hash, name } };
  await store.write(PATH, new TextEncoder().encode(JSON.stringify(job)));
}

export const forgetJob = ({ store }: State): Promise<void> => store.remove(PATH);

/** Datasets that were deleted are left out; null where none is left, and where the file cannot be read. */
export async function waitingJob({ store, datasets, openModelHash }: State): Promise<FindJob | null> {
  if (!(await store.exists(PATH))) return null;
  const read = v.safeParse(JobSchema, parsedJson(await store.read(PATH)));
  if (!read.success) return null;
  const there = new Set((await datasets.list()).map(({ id }) => id));
  const datasetIds = read.output.datasetIds.filter((id) => there.has(id));
  if (datasetIds.length === 0) return null;
  const { variant, settings, taughtBy, model } = read.output;
  return {
    datasetIds,
    variant,
    settings,
    ...(taughtBy !== undefined && { taughtBy }),
    modelName: model.name,
    isModelOpen: openModelHash === model.hash,
  };
}

/** @returns undefined where the bytes are none. */
function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
