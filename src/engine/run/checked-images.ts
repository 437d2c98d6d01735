/** What the checks of a run and its test measure. */
import type { TrainConfig } from '../../config/train.ts';
import { checksAfter } from '../../train/checks.ts';
import type { EvaluationSet } from '../../train/training-set.ts';

/**
 * The images that are measured after so many steps: those of the checks to come, and the test images by two models.
 * @param step −1 for all of a run.
 */
export function checkedImages(
  sets: readonly Pick<EvaluationSet, 'split'>[],
  train: Pick<TrainConfig, 'steps' | 'evalEvery' | 'evalImages'>,
  step: number,
): number {
  const checks = checksAfter(step, train);
  return sets.reduce((sum, { split: { val, test } }) => {
    const validated = train.evalImages > 0 ? Math.min(train.evalImages, val.length) : val.length;
    return sum + checks * validated + 2 * test.length;
  }, 0);
}
