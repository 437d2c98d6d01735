/** What a run would cost, and what would stop it, before anything is allocated. */
import { type FailureRecord, toFailureRecord } from '../../config/failure.ts';
import type { Split } from '../../data/types.ts';
import { DATASET_TOKENS } from '../../peft/dataset-token.ts';
import { forDatasets } from '../../peft/datasets.ts';
import { METHODS } from '../../peft/registry.ts';
import { sitesOf } from '../../sam/encoder.ts';
import { countTrainable, countWork, estimateMemory, type TrainableCount } from '../../train/estimate.ts';
import { type PlanRequest, planRequest, planTraining } from '../../train/plan-training.ts';
import type { DeviceTraits, TrainingPlans } from '../../train/plans.ts';
import { noTrainingObjects } from '../../train/run-failures.ts';
import { uniqueKeys } from '../datasets.ts';
import type { OpenModel } from '../model.ts';
import type { RunSettings } from '../settings.ts';
import { opposedDatasets } from './opposed.ts';
import type { RunDataset, RunPlan } from './run-types.ts';

const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** The part of a {@link RunPlan} that follows from the plans of a step. */
export type RunCost = Omit<RunPlan, 'images' | 'steps' | 'opposed'>;

/** A run's cost, and what it would run; null when that cannot be planned. */
export interface PlannedCost {
  readonly cost: RunCost;
  readonly plans: TrainingPlans | null;
}

/** Plans what a run would take; allocates nothing. That it cannot be planned is one of the cost's problems. */
export function planCost(request: PlanRequest): PlannedCost {
  const bufferLimitBytes = request.device.bufferLimit;
  try {
    const plans = planTraining(request);
    const trainable = countTrainable(plans).map(worded);
    const trainableCount = trainable.reduce((sum, { count }) => sum + count, 0);
    const memory = { ...estimateMemory(plans), bufferLimitBytes };
    const problems = overMemory(request, memory.peakBytes);
    // As if every view of an image were new: at most as much is computed.
    const work = countWork(plans, { ...request.sizes, ...NEW_VIEWS });
    const flops = { flopsPerStep: work.flops, flopsToMeasure: work.measureFlops };
    return { plans, cost: { trainable, trainableCount, memory, ...flops, problems } };
  } catch (error) {
    const memory = { peakBytes: 0, parts: [], largestBufferBytes: 0, bufferLimitBytes };
    const problems = [toFailureRecord(error)];
    const flops = { flopsPerStep: 0, flopsToMeasure: { image: 0, object: 0 } };
    return { plans: null, cost: { trainable: [], trainableCount: 0, memory, ...flops, problems } };
  }
}

const NEW_VIEWS = { minCrop: 0.5, brightness: 0, contrast: 0 } as const;

/** That a run takes more than it may, with what would make it fit. */
function overMemory(request: PlanRequest, peakBytes: number): FailureRecord[] {
  const allowed = request.sizes.memory;
  if (allowed === 0 || peakBytes <= allowed * 2 ** 20) return [];
  const { sam, mopeft, sizes, device } = request;
  const depth = sitesOf(sam).length;
  const late = mopeft.blocks.filter((block) => block >= Math.floor(depth / 2));
  const smaller: readonly (readonly [words: string, PlanRequest | null])[] = [
    [
      'Objects at once 1',
      sizes.objectsPerPass > 1 ? { ...request, sizes: { ...sizes, objectsPerPass: 1 } } : null,
    ],
    [
      'modules in late blocks',
      late.length > 0 && late.length < mopeft.blocks.length
        ? { ...request, mopeft: { ...mopeft, blocks: late } }
        : null,
    ],
    [
      'frozen weights in half precision',
      sizes.weights === 'f32' ? { ...request, sizes: { ...sizes, weights: 'f16' } } : null,
    ],
    [
      'the mask decoder alone',
      mopeft.blocks.length > 0
        ? { sam, sizes, device, mopeft: { ...mopeft, methods: {}, blocks: [], trainDecoder: true } }
        : null,
    ],
  ];
  const fitting = smaller.flatMap(([words, changed]) => {
    const bytes = changed ? estimateMemory(planTraining(changed)).peakBytes : Number.POSITIVE_INFINITY;
    return bytes <= allowed * 2 ** 20 ? [`${words} (${mib(bytes)} MiB)`] : [];
  });
  return [
    {
      code: 'train/over-memory',
      what: `The run takes ${mib(peakBytes)} MiB of GPU memory and may take ${allowed}.`,
      where: 'memory',
      cure: `${fitting.length > 0 ? `It fits with ${fitting.join(', or ')}; or` : 'Choose a smaller model, or'} allow ${mib(peakBytes)} MiB.`,
    },
  ];
}

function mib(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** A run's cost together with what its datasets bring. */
export function withDatasets(
  cost: RunCost,
  { train: { steps } }: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan {
  return {
    ...cost,
    steps,
    images: countImages(datasets),
    opposed: opposedDatasets(datasets),
    problems: [...dataProblems(datasets), ...cost.problems],
  };
}

/** Settings with what the datasets of a run decide of them. */
export function settingsFor(settings: RunSettings, datasets: readonly RunDataset[]): RunSettings {
  const names = uniqueKeys(datasets.map(({ name }) => name));
  return { ...settings, mopeft: forDatasets(settings.mopeft, names) };
}

/** What a run would cost and what would stop it, and the plans themselves, so that its start need not plan again. */
export function planRun(
  device: DeviceTraits,
  { config }: Pick<OpenModel, 'config'>,
  settings: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan & { readonly plans: TrainingPlans | null } {
  const { mopeft, train } = settingsFor(settings, datasets);
  const { cost, plans } = planCost(planRequest(config, mopeft, train, device));
  return { ...withDatasets(cost, settings, datasets), plans };
}

/** Why nothing can be learned from these datasets; empty = something can. */
export function dataProblems(datasets: readonly RunDataset[]): FailureRecord[] {
  if (datasets.length === 0) {
    return [
      {
        code: 'train/no-datasets',
        what: 'No dataset is chosen.',
        cure: 'Choose at least one dataset with masks.',
      },
    ];
  }
  return datasets.flatMap((dataset) => {
    if (dataset.split.train.length === 0) return [noMasks(dataset.name)];
    return mayHaveObjects(dataset) ? [] : [noTrainingObjects(dataset.name)];
  });
}

const noMasks = (dataset: string): FailureRecord => ({
  code: 'train/no-images',
  what: 'No image of this dataset has a mask, so there is nothing to learn from.',
  where: dataset,
  cure: 'Add masks, or leave the dataset out.',
});

/** Whether a training image has an object, or was not counted. */
function mayHaveObjects({ dataset, split }: RunDataset): boolean {
  const objects = new Map(dataset.samples.map((sample) => [sample.name, sample.objects]));
  return split.train.some((name) => objects.get(name) !== 0);
}

function countImages(datasets: readonly RunDataset[]): Record<Split, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { split } of datasets) for (const part of SPLITS) counts[part] += split[part].length;
  return counts;
}

function worded({ label, count }: TrainableCount): TrainableCount {
  const words: Readonly<Record<string, string>> = {
    gates: 'Gates',
    decoder: 'Mask decoder',
    [DATASET_TOKENS]: "Datasets' tokens",
  };
  return { label: METHODS.find(({ id }) => id === label)?.label ?? words[label] ?? label, count };
}
