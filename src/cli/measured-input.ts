import { parseTrainConfig, TRAIN_FIELDS } from '../config/train.ts';
import { type Dataset, labelledNames } from '../data/dataset.ts';
import type { ObjectLimit } from '../data/object-sizes.ts';
import type { Split } from '../data/types.ts';
import { datasetFeature, datasetsOf } from '../engine/asked-dataset.ts';
import { splitOf } from '../engine/datasets.ts';
import type { OpenModel } from '../engine/model.ts';
import type { ModelSession, Tuning } from '../engine/tuning.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { threadData } from '../train/data-port.ts';
import type { EvaluationOptions } from '../train/evaluate.ts';
import type { TrainingData } from '../train/training-data.ts';
import { choiceFlag, numberFlag, type readFlags, requiredFlag } from './arguments.ts';
import { AS_FLAG, AS_USAGE, askedOf } from './asked-flag.ts';
import { MODEL_FLAGS, MODEL_USAGE, modelChoices } from './model-flags.ts';
import {
  atScale,
  openAdapter,
  openCliModel,
  openData,
  scaleFlag,
  trainedScale,
  trainedSplit,
} from './open.ts';
import { CLI_CACHE_BYTES, openDataThread } from './open-data-thread.ts';
import { READING_FLAGS, READING_USAGE, readingChanges } from './reading-flags.ts';
import { precisionFlag } from './settings-flags.ts';

/** Flags of commands that measure a model on a dataset: which model, which images, which of their objects. */
export const MEASURED_FLAGS = {
  model: { type: 'string' },
  adapter: { type: 'string' },
  data: { type: 'string' },
  split: { type: 'string' },
  seed: { type: 'string' },
  'split-order': { type: 'string' },
  'max-images': { type: 'string' },
  'max-objects': { type: 'string' },
  'min-size': { type: 'string' },
  scale: { type: 'string' },
  'min-area': { type: 'string' },
  weights: { type: 'string' },
  ...AS_FLAG,
  ...MODEL_FLAGS,
  ...READING_FLAGS,
} as const;

export const MEASURED_USAGE = `${AS_USAGE}
${MODEL_USAGE}
${READING_USAGE}`;

type Flags = ReturnType<typeof readFlags<typeof MEASURED_FLAGS>>;

/** What a command measures, and on what. */
export interface MeasuredInput {
  readonly gpu: Gpu;
  readonly model: OpenModel;
  /** Null without --adapter. */
  readonly adapter: (Adapter & Tuning) | null;
  readonly dataset: Dataset;
  readonly split: Split | 'all';
  /** Images of the split, in their order. */
  readonly names: readonly string[];
  readonly limit: ObjectLimit;
  readonly options: Pick<EvaluationOptions, 'maxObjects' | 'maxImages'>;
  /** Decodes the dataset's images in a thread of its own; to be closed. */
  readonly openImages: () => Promise<TrainingData>;
}

/**
 * Opens what the flags name. A dataset that the adapter's run knows is split as that run split it.
 * @throws Failure `cli/arguments`, and what opening a model, an adapter or data throws.
 */
export async function openMeasured(
  flags: Flags,
  defaultSplit: Split | 'all',
  usage: string,
): Promise<MeasuredInput> {
  const split = choiceFlag(flags.split, 'split', ['train', 'val', 'test', 'all'], usage) ?? defaultSplit;
  const order = choiceFlag(flags['split-order'], 'split-order', ['shuffled', 'name'], usage) ?? 'shuffled';
  const seed = numberFlag(flags.seed, 'seed', usage, { min: 0, max: 2 ** 32 - 1, integer: true }) ?? 0;
  const maxImages = numberFlag(flags['max-images'], 'max-images', usage, { min: 1, integer: true }) ?? 0;
  const maxObjects = numberFlag(flags['max-objects'], 'max-objects', usage, { min: 1, integer: true }) ?? 5;
  const limit: ObjectLimit = {
    minSize: numberFlag(flags['min-size'], 'min-size', usage, { min: 0 }) ?? TRAIN_FIELDS.minSize.default,
    minArea: numberFlag(flags['min-area'], 'min-area', usage, { min: 0, max: 1 }) ?? 0,
  };
  const modelPath = requiredFlag(flags.model, 'model', usage);
  const scale = scaleFlag(flags.scale, usage);
  const weights = precisionFlag(flags.weights, usage);
  const folder = await openData(requiredFlag(flags.data, 'data', usage), readingChanges(flags, usage));
  const { gpu, model } = await openCliModel(modelPath, modelChoices(flags, usage), weights);
  const adapter = flags.adapter === undefined ? null : await openAdapter(flags.adapter, model);
  const trained = await trainedScale(flags.adapter, adapter, folder.dataset.name);
  const dataset = atScale(folder, scale ?? trained, model.config.imageSize);
  const known = flags.adapter === undefined ? null : await trainedSplit(flags.adapter, dataset.name);
  const splits = known ?? splitOf(dataset, seed, order);
  const { preprocessing } = adapter ?? model.config;
  const names = split === 'all' ? labelledNames(dataset) : splits[split];
  const openImages = () =>
    threadData(openDataThread(), {
      sam: { ...model.config, preprocessing },
      config: { ...parseTrainConfig({}), ...limit },
      sets: [{ key: dataset.name, split: splits, dataset }],
      cacheBytes: CLI_CACHE_BYTES,
    });
  const feature = async (base: ModelSession): Promise<Float32Array> => {
    const { sets, close } = await openImages();
    const [set] = sets;
    if (!set) throw new RangeError('there is no dataset');
    return datasetFeature(base, set, names).finally(close);
  };
  const options = { maxObjects, maxImages };
  const own = adapter ? datasetsOf(adapter).find((name) => name === dataset.name) : undefined;
  return {
    gpu,
    model,
    adapter: await askedOf(gpu, model, adapter, flags.as ?? own, feature, usage),
    dataset,
    split,
    names,
    limit,
    options,
    openImages,
  };
}
