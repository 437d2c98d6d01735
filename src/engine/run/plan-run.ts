/** What a run would cost, and what would stop it, before anything is allocated. */
import { type FailureRecord, toFailureRecord } from '../../config/failure.ts';
import type { Split } from '../../data/types.ts';
import { METHODS } from '../../peft/registry.ts';
import { countTrainable, estimateMemory, type TrainableCount } from '../../train/estimate.ts';
import { type PlanRequest, planRequest, planTraining } from '../../train/plan-training.ts';
import type { DeviceTraits, TrainingPlans } from '../../train/plans.ts';
import type { OpenModel } from '../model.ts';
import type { RunSettings } from '../settings.ts';
import type { RunDataset, RunPlan } from './run-types.ts';

const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** The part of a {@link RunPlan} that follows from the plans of a step. */
export type RunCost = Omit<RunPlan, 'images' | 'steps'>;

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
    return { plans, cost: { trainable, trainableCount, memory, problems: [] } };
  } catch (error) {
    const memory = { peakBytes: 0, parts: [], largestBufferBytes: 0, bufferLimitBytes };
    const problems = [toFailureRecord(error)];
    return { plans: null, cost: { trainable: [], trainableCount: 0, memory, problems } };
  }
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
    problems: [...dataProblems(datasets), ...cost.problems],
  };
}

/** What a run would cost and what would stop it, and the plans themselves, so that its start need not plan again. */
export function planRun(
  device: DeviceTraits,
  { config }: Pick<OpenModel, 'config'>,
  settings: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan & { readonly plans: TrainingPlans | null } {
  const { cost, plans } = planCost(planRequest(config, settings.mopeft, settings.train, device));
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
