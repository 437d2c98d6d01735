/** What a run would cost, and what would stop it, before anything is allocated. */
import { type FailureRecord, toFailureRecord } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import type { Split } from '../../data/types.ts';
import { METHODS } from '../../peft/registry.ts';
import { countTrainable, estimateMemory, type TrainableCount } from '../../train/estimate.ts';
import { type DeviceTraits, planTraining, type TrainingPlans } from '../../train/plans.ts';
import type { OpenModel } from '../model.ts';
import type { RunSettings } from '../settings.ts';
import type { RunDataset, RunPlan } from './run-types.ts';

const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** What decides the cost of a run; plain data, so that another thread can plan it. */
export interface CostRequest {
  readonly sam: SamConfig;
  readonly settings: RunSettings;
  readonly device: DeviceTraits;
}

/** A {@link RunPlan} without its datasets. */
export type RunCost = Omit<RunPlan, 'images'>;

/** Plans what a run would take; allocates nothing. That it cannot be planned is one of the problems. */
export function planCost(request: CostRequest): RunCost {
  return planWithCost(request).cost;
}

interface PlannedCost {
  readonly cost: RunCost;
  /** Null when it cannot be planned. */
  readonly plans: TrainingPlans | null;
}

function planWithCost({ sam, settings: { mopeft, train }, device }: CostRequest): PlannedCost {
  const bufferLimitBytes = device.bufferLimit;
  const { steps } = train;
  try {
    const plans = planTraining(sam, mopeft, train, device);
    const trainable = countTrainable(plans).map(worded);
    const trainableCount = trainable.reduce((sum, { count }) => sum + count, 0);
    const memory = { ...estimateMemory(plans), bufferLimitBytes };
    return { plans, cost: { trainable, trainableCount, memory, steps, problems: [] } };
  } catch (error) {
    const memory = { peakBytes: 0, parts: [], largestBufferBytes: 0, bufferLimitBytes };
    const problems = [toFailureRecord(error)];
    return { plans: null, cost: { trainable: [], trainableCount: 0, memory, steps, problems } };
  }
}

/** A run's cost together with what its datasets bring. */
export function withDatasets(cost: RunCost, datasets: readonly RunDataset[]): RunPlan {
  return {
    ...cost,
    images: countImages(datasets),
    problems: [...dataProblems(datasets), ...cost.problems],
  };
}

/** What a run would cost and what would stop it, and the plans themselves, so that its start need not plan again. */
export function planRun(
  { traits, bufferLimit }: DeviceTraits,
  { config }: Pick<OpenModel, 'config'>,
  settings: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan & { readonly plans: TrainingPlans | null } {
  const { cost, plans } = planWithCost({ sam: config, settings, device: { traits, bufferLimit } });
  return { ...withDatasets(cost, datasets), plans };
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
  return datasets
    .filter(({ split }) => split.train.length === 0)
    .map(({ name }) => ({
      code: 'train/no-images',
      what: 'No image of this dataset has a mask, so there is nothing to learn from.',
      where: name,
      cure: 'Add masks, or leave the dataset out.',
    }));
}

function countImages(datasets: readonly RunDataset[]): Record<Split, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { split } of datasets) for (const part of SPLITS) counts[part] += split[part].length;
  return counts;
}

function worded({ label, count }: TrainableCount): TrainableCount {
  const words: Readonly<Record<string, string>> = { gates: 'Gates', decoder: 'Mask decoder' };
  return { label: METHODS.find(({ id }) => id === label)?.label ?? words[label] ?? label, count };
}
