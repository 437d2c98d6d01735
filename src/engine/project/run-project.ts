/** A run that lies outside a studio, as a command line leaves it, made the run of a project with its datasets. */
import { Failure } from '../../config/failure.ts';
import type { Dataset } from '../../data/dataset.ts';
import { DatasetStore } from '../../data/dataset-store.ts';
import type { FileStore } from '../../data/file-store.ts';
import type { InspectedDataset } from '../../data/inspect.ts';
import { type LazyFile, readBytes } from '../../data/lazy-file.ts';
import { valueOrThrow } from '../../data/outcome.ts';
import { sha256 } from '../../sam/checkpoint/hash.ts';
import { resumedDataset, uniqueKeys } from '../datasets.ts';
import { recordOfFiles } from '../run/record-of-files.ts';
import { type RunConfig, RunFiles } from '../run/run-files.ts';
import { RECORD } from '../run/run-record.ts';
import { copyWithKeys } from './dataset-keys.ts';
import type { ProjectItems } from './write-project.ts';

/**
 * Puts a run and its datasets into an empty store as the studio has them: datasets by ids that follow from their content, which the
 * run's files name in place of its own keys.
 * @param given the run's datasets, found by their keys or names.
 * @param about the run's name, and when it was begun: milliseconds since 1970.
 * @returns what {@link prepareProject} writes.
 * @throws Failure `run/no-run`, `run/no-datasets`, `run/same-dataset`, `run/images-gone`, `run/damaged`, `train/checkpoint`, `data/…`, `storage/…`.
 */
export async function storeRunProject(
  store: FileStore,
  run: RunFiles,
  given: readonly InspectedDataset[],
  about: { readonly name: string; readonly created: number },
): Promise<ProjectItems> {
  const config = await run.readConfig();
  const split = await run.readSplit();
  const datasets: { id: string; name: string }[] = [];
  const keys = new Map<string, string>();
  for (const [named, inspected] of matched(config, given)) {
    const part = split[named.key];
    if (part) resumedDataset(named, inspected.dataset, part);
    const dataset = { ...inspected.dataset, name: named.name, scale: named.scale ?? 'whole' };
    const id = await datasetId(dataset);
    if (datasets.some((other) => other.id === id)) throw sameTwice(named.name);
    await new DatasetStore(store).save({ ...inspected, dataset }, { id, now: about.created });
    datasets.push({ id, name: named.name });
    keys.set(named.key, id);
  }
  // The id follows from what the folder holds, so that the same run gets the same again.
  const { id } = await recordOfFiles(run, about);
  const own = new RunFiles(store, `runs/${id}`);
  await copyWithKeys(run, own, keys);
  const record = { ...(await recordOfFiles(own, about)), id };
  await own.writeText(RECORD, `${JSON.stringify(record, null, 2)}\n`);
  return { datasets, runs: [record], withCheckpoints: true };
}

/** The run's datasets with their images. */
function matched(config: RunConfig, given: readonly InspectedDataset[]) {
  const names = given.map(({ dataset }) => dataset.name);
  const keys = uniqueKeys(names);
  return config.datasets.map((named) => {
    const byName = names.filter((name) => name === named.name).length === 1 ? names.indexOf(named.name) : -1;
    const at = keys.includes(named.key) ? keys.indexOf(named.key) : byName;
    const found = given[at];
    if (found) return [named, found] as const;
    throw new Failure({
      code: 'run/no-datasets',
      what: `The run's dataset ${named.name} is not there.`,
      where: named.name,
      cure: 'Give all datasets with which the run was started, in folders of the same names.',
    });
  });
}

/** An id that follows from the files of a dataset. */
async function datasetId({ name, samples }: Dataset): Promise<string> {
  const lines: string[] = [name];
  for (const sample of samples)
    for (const file of [
      sample.image,
      sample.mask,
      sample.instances,
      sample.labels,
      ...(sample.objectMasks ?? []),
    ])
      if (file) lines.push(`${file.path} ${await hashOf(file)}`);
  const hash = await sha256(new TextEncoder().encode(lines.join('\n')));
  return `dataset-${hash.slice(0, 16)}`;
}

const hashOf = async (file: LazyFile): Promise<string> => sha256(valueOrThrow(await readBytes(file)));

const sameTwice = (name: string) =>
  new Failure({
    code: 'run/same-dataset',
    what: 'Two datasets of the run have the same name and files.',
    where: name,
    cure: 'Give each dataset of the run once.',
  });
