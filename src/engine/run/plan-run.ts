/** What a run would cost, and what would stop it, before anything is allocated. */
import { type FailureRecord, toFailureRecord } from '../../config/failure.ts';
import type { Split } from '../../data/types.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { METHODS } from '../../peft/registry.ts';
import { countTrainable, estimateMemory, type TrainableCount } from '../../train/estimate.ts';
import { planTraining } from '../../train/plans.ts';
import type { OpenModel } from '../model.ts';
import type { RunSettings } from '../settings.ts';
import type { RunDataset, RunPlan } from './run-types.ts';

const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** What a run would cost and what would stop it; allocates nothing. */
export function planRun(
  gpu: Gpu,
  model: OpenModel,
  { mopeft, train }: RunSettings,
  datasets: readonly RunDataset[],
): RunPlan {
  const problems: FailureRecord[] = dataProblems(datasets);
  const bufferLimitBytes = gpu.bufferLimit;
  const images = countImages(datasets);
  try {
    const plans = planTraining(model.config, mopeft, train, gpu);
    const trainable = countTrainable(plans).map(worded);
    return {
      trainable,
      trainableCount: trainable.reduce((sum, { count }) => sum + count, 0),
      memory: { ...estimateMemory(plans), bufferLimitBytes },
      steps: train.steps,
      images,
      problems,
    };
  } catch (error) {
    const memory = { peakBytes: 0, parts: [], largestBufferBytes: 0, bufferLimitBytes };
    const failed = [...problems, toFailureRecord(error)];
    return { trainable: [], trainableCount: 0, memory, steps: train.steps, images, problems: failed };
  }
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
