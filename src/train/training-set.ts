import { type Dataset, type LoadedSample, loadSample } from '../data/dataset.ts';
import type { Outcome, Split } from '../data/types.ts';

/** A dataset with its part in a run. */
export interface TrainingSet {
  /** Names it in events; unique in a run. */
  readonly key: string;
  /** Names of the labelled images by split, in natural order. */
  readonly split: Readonly<Record<Split, readonly string[]>>;
  /** Decodes one of them. */
  readonly load: (name: string) => Promise<Outcome<LoadedSample>>;
}

/** A dataset as training takes it. @param minArea objects with a smaller share of their image are left out. */
export function trainingSet(
  key: string,
  dataset: Dataset,
  split: TrainingSet['split'],
  minArea: number,
): TrainingSet {
  const index = new Map(dataset.samples.map(({ name }, i) => [name, i]));
  return { key, split, load: (name) => loadSample(dataset, index.get(name) ?? -1, { minArea }) };
}
