/** What ends a run before its last step. */
import { Failure, type FailureRecord } from '../config/failure.ts';

function keptSentence(checkpoint: number | null): string {
  return checkpoint === null
    ? 'No checkpoint was written yet.'
    : `The checkpoint of step ${checkpoint} is kept.`;
}

/** That there is nothing to learn from, whatever the settings. */
export function noTrainingObjects(): FailureRecord {
  return {
    code: 'train/no-objects',
    what: 'No training image has an object: all of their masks are empty.',
    cure: 'Label objects in more images, or choose another dataset.',
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
