/** Datasets on their way into runs and screens: from files, from storage, split, and images one by one. */
import { Failure } from '../config/failure.ts';
import {
  type Dataset,
  isLabelled,
  type LoadedSample,
  type LoadOptions,
  loadSample,
} from '../data/dataset.ts';
import { type InspectedDataset, inspectDataset } from '../data/inspect.ts';
import { valueOrThrow } from '../data/outcome.ts';
import { type InputFile, readDatasets } from '../data/read-datasets.ts';
import type { ReadingChanges } from '../data/reading/reading.ts';
import { type SplitOrder, splitSamples } from '../data/split.ts';
import type { Refusal } from '../data/types.ts';
import type { RunDatasetName } from './run/run-files.ts';
import type { RunDataset, SplitOf } from './run/run-types.ts';

/** A data folder as one dataset. */
export interface FolderDataset extends InspectedDataset {
  /** What was left out, and remarks on what was taken. */
  readonly refusals: readonly Refusal[];
}

/**
 * Reads a folder that holds one dataset (`images/` and `masks/`, perhaps `instances/` and `labels/`), every file once: what
 * cannot be used is left out, so that it takes no part in splits.
 * @param name how the dataset is called; the folder's name.
 * @param changes what a person chose of the reading of its masks.
 * @throws Failure `data/no-dataset`, `data/several-datasets`.
 */
export async function openFolderDataset(
  files: readonly InputFile[],
  name: string,
  changes: ReadingChanges = {},
): Promise<FolderDataset> {
  const { datasets, refusals } = await readDatasets(files, { topName: name });
  const [found, second] = datasets;
  if (second) {
    throw new Failure({
      code: 'data/several-datasets',
      what: `The folder holds ${datasets.length} datasets: ${datasets.map((each) => each.name).join(', ')}.`,
      where: name,
      cure: 'Give each of them with a --data of its own.',
    });
  }
  const inspected = await inspectDataset(found ?? { name, samples: [] }, { changes });
  const all = [...refusals, ...inspected.refusals];
  if (inspected.samples.length > 0) return { ...inspected, refusals: all };
  const [first] = all;
  throw new Failure({
    code: 'data/no-dataset',
    what: `There is no image that can be used${first ? ` (${first.file}: ${first.reason})` : ''}.`,
    where: name,
    cure: 'Give a folder with images/ and masks/ in it.',
  });
}

/** Splits the labelled images, as their folders say where these name splits; equal names, seed and order give equal splits. */
export function splitOf(dataset: Dataset, seed: number, order: SplitOrder): SplitOf {
  return splitSamples(dataset.samples.filter(isLabelled), seed, order);
}

/** A dataset as part of a new run. */
export function runDataset(
  { key, name }: RunDatasetName,
  dataset: Dataset,
  seed: number,
  order: SplitOrder,
): RunDataset {
  return { key, name, dataset, split: splitOf(dataset, seed, order) };
}

/**
 * A dataset as part of a resumed run. Its split is the run's own, so images that were added later take no part.
 * @throws Failure `run/images-gone` when images of the split are no longer there.
 */
export function resumedDataset({ key, name }: RunDatasetName, dataset: Dataset, split: SplitOf): RunDataset {
  const there = new Set(dataset.samples.filter(isLabelled).map((sample) => sample.name));
  const gone = [...split.train, ...split.val, ...split.test].filter((image) => !there.has(image));
  const [first] = gone;
  if (first !== undefined) {
    throw new Failure({
      code: 'run/images-gone',
      what: `${gone.length === 1 ? 'An image' : `${gone.length} images`} of this run's dataset ${name} can no longer be found.`,
      where: first,
      cure: `Put ${gone.length === 1 ? 'it back, mark it as done again where it is' : 'them back, mark them as done again where they are'} being labelled, or start a new run.`,
    });
  }
  return { key, name, dataset, split };
}

/**
 * Unique keys for datasets by their names: `cells`, `cells 2` …
 * @param same gives the same for names of which only one may be; by default names are what they are.
 */
export function uniqueKeys(
  names: readonly string[],
  same: (name: string) => string = (name) => name,
): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let key = name;
    for (let n = 2; taken.has(same(key)); n++) key = `${name} ${n}`;
    taken.add(same(key));
    return key;
  });
}

/**
 * Decodes an image of a dataset by its name.
 * @throws Failure `data/…` that says why it cannot be used.
 */
export async function loadByName(
  dataset: Dataset,
  name: string,
  options: LoadOptions = {},
): Promise<LoadedSample> {
  const sample = dataset.samples.find((candidate) => candidate.name === name);
  if (!sample) {
    throw new Failure({
      code: 'data/no-such-sample',
      what: `The dataset ${dataset.name} has no such image.`,
      where: name,
      cure: 'Open the dataset again.',
    });
  }
  return valueOrThrow(await loadSample(sample, options));
}
