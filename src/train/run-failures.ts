/** What ends a run before its last step. */
import { Failure, type FailureRecord } from '../config/failure.ts';

function keptSentence(checkpoint: number | null): string {
  return checkpoint === null
    ? 'No checkpoint was written yet.'
    : `The checkpoint of step ${checkpoint} is kept.`;
}

/**
 * That there is nothing to learn from, whatever the settings.
 * @param dataset whose training images are meant; those of all datasets without it.
 */
export function noTrainingObjects(dataset?: string): FailureRecord {
  return {
    code: 'train/no-objects',
    what: `No training image${dataset === undefined ? '' : ' of this dataset'} has an object: all of their masks are empty.`,
    ...(dataset !== undefined && { where: dataset }),
    cure:
      dataset === undefined
        ? 'Label objects in more images, or choose another dataset.'
        : 'Check how its masks are read, label objects in its training images, or leave the dataset out.',
  };
}

/** @param checkpoint the last checkpoint's step. */
export function notFinite(step: number, checkpoint: number | null): Failure {
  return new Failure({
    code: 'train/not-finite',
    what: `The loss or its gradient is not a number at step ${step}, so training stopped. ${keptSentence(checkpoint)}`,
    where: `step ${step}`,
    cure: 'Start a new run with lower learning rates; the best weights of this one are kept.',
  });
}

/** @param checkpoint the last checkpoint's step. */
export function deviceLost({ message }: GPUDeviceLostInfo, checkpoint: number | null): Failure {
  return new Failure({
    code: 'gpu/lost',
    what: `The graphics device was lost${message ? ` (${message})` : ''}. ${keptSentence(checkpoint)}`,
    cure: 'Close what else uses the GPU and resume the run.',
  });
}
