import type { SamConfig } from '../config/sam.ts';
import { seenSize } from '../data/crops.ts';
import { type Dataset, type LoadedSample, loadSample } from '../data/dataset.ts';
import { leastArea, type ObjectLimit } from '../data/object-sizes.ts';
import type { Outcome, Scale, Split } from '../data/types.ts';
import { type EvaluationImage, evaluationImage, type MeasureOptions } from './evaluation-image.ts';

/** A dataset as an evaluation uses it. */
export interface EvaluationSet {
  /** Names it in events; unique in a run. */
  readonly key: string;
  /** Names of the labelled images by split, in natural order. */
  readonly split: Readonly<Record<Split, readonly string[]>>;
  /** Decodes an image of the split by its name. */
  readonly open: (name: string, options: MeasureOptions) => Promise<Outcome<EvaluationImage>>;
}

/** A dataset as a run draws from it. */
export interface TrainingSet extends Pick<EvaluationSet, 'key' | 'split'> {
  /** What people call it. */
  readonly name: string;
  /** Decodes an image of the split by its name. */
  readonly load: (name: string) => Promise<Outcome<LoadedSample>>;
  /** How the model sees its images; whole without one. */
  readonly scale?: Scale;
}

/** A run's dataset to measure a model on, in this thread. */
export function evaluationSet(
  { key, split, load, scale = 'whole' }: TrainingSet,
  sam: SamConfig,
): EvaluationSet {
  const open: EvaluationSet['open'] = async (name, options) => {
    const loaded = await load(name);
    return loaded.ok ? { ok: true, value: evaluationImage(loaded.value, sam, scale, options) } : loaded;
  };
  return { key, split, open };
}

/** A dataset for a run of a model; objects under the limit are left out. */
export function trainingSet(
  key: string,
  dataset: Dataset,
  split: TrainingSet['split'],
  { imageSize: size, preprocessing: { aspect } }: SamConfig,
  limit: ObjectLimit,
): TrainingSet {
  const { scale = 'whole' } = dataset;
  const samples = new Map(dataset.samples.map((sample) => [sample.name, sample]));
  const load = async (name: string) => {
    const sample = samples.get(name);
    if (!sample) throw new RangeError(`${name} of the split is not in the dataset ${dataset.name}`);
    return loadSample(sample, {
      leastArea: (image) => leastArea(limit, seenSize(image, scale), { size, aspect }),
    });
  };
  return { key, name: dataset.name, split, load, scale };
}
