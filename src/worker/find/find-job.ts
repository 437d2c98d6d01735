/** The search of datasets that was begun last and not finished, which goes on after a reload. */
import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { parseFindSettings } from '../../config/find.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { DatasetRepository } from '../dataset-repository.ts';
import type { FindFolderRequest, FindJob } from '../protocol.ts';
import { searchLocks } from '../tab-locks.ts';

export const JOB_PATH = 'find-job.json';
/** The one search of datasets that may be under way, as its lock is called. */
export const SEARCH = 'datasets';

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

interface State {
  readonly store: FileStore;
  readonly datasets: Pick<DatasetRepository, 'list'>;
  readonly openModelHash: string | null;
}

export async function keepJob(
  { store }: State,
  { datasetIds, variant, settings, taughtBy }: FindFolderRequest,
  { hash, name }: { readonly hash: string; readonly name: string },
): Promise<void> {
  const job = { datasetIds, variant, settings, taughtBy, model: { hash, name } };
  await store.write(JOB_PATH, new TextEncoder().encode(JSON.stringify(job)));
}

export const forgetJob = ({ store }: State): Promise<void> => store.remove(JOB_PATH);

/** Datasets that were deleted are left out; null where none is left, and where the file cannot be read. */
export async function waitingJob({ store, datasets, openModelHash }: State): Promise<FindJob | null> {
  const stored = await storedJob(store);
  if (!stored) return null;
  const there = new Set((await datasets.list()).map(({ id }) => id));
  const datasetIds = stored.datasetIds.filter((id) => there.has(id));
  if (datasetIds.length === 0) return null;
  const { variant, settings, taughtBy, model } = stored;
  return {
    datasetIds,
    variant,
    settings,
    ...(taughtBy !== undefined && { taughtBy }),
    modelName: model.name,
    isModelOpen: openModelHash === model.hash,
    isUnderWay: await isSearching(),
  };
}

/** Whether a search of datasets is under way, in any tab. */
const isSearching = async (): Promise<boolean> => (await searchLocks.taken()).has(SEARCH);

/** @throws Failure `data/in-use` when a dataset is searched as a whole, in any tab. */
export async function expectNotSearched(
  { store }: Pick<State, 'store'>,
  datasetId: string,
  name?: string,
): Promise<void> {
  if (!(await isSearching()) || !(await storedJob(store))?.datasetIds.includes(datasetId)) return;
  throw new Failure({
    code: 'data/in-use',
    what: 'All images of this dataset are being searched.',
    ...(name !== undefined && { where: name }),
    cure: 'Wait until the search is done, or pause it on the Segment page of the tab that it is in.',
  });
}

async function storedJob(store: State['store']): Promise<v.InferOutput<typeof JobSchema> | null> {
  if (!(await store.exists(JOB_PATH))) return null;
  const read = v.safeParse(JobSchema, parsedJson(await store.read(JOB_PATH)));
  return read.success ? read.output : null;
}

/** @returns undefined where the bytes are none. */
function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
