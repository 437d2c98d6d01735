/** What ends a run before its last step. */
import { Failure, type FailureRecord } from '../config/failure.ts';
import type { MopeftConfig } from '../config/mopeft.ts';
import type { TrainConfig } from '../config/train.ts';

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

/** Waits for what goes on by itself, unless the run shall leave off before. @throws the signal's reason. */
export async function unlessLeft(work: Promise<unknown>, leaving?: AbortSignal): Promise<void> {
  const left = new Promise<void>((resolve) => leaving?.addEventListener('abort', () => resolve()));
  if (!leaving?.aborted) await Promise.race([work, left]);
  leaving?.throwIfAborted();
}

/** What is on storage of a run: its last checkpoint and its best weights, by their steps. */
export interface Kept {
  readonly checkpointStep: number | null;
  readonly bestStep: number | null;
}

/** That the numbers of a run left all bounds, with the settings that did it and what is left. */
export function notFinite(
  step: number,
  { checkpointStep, bestStep }: Kept,
  { methods, trainDecoder }: Pick<MopeftConfig, 'methods' | 'trainDecoder'>,
  { lrPeft, lrDecoder }: Pick<TrainConfig, 'lrPeft' | 'lrDecoder'>,
): Failure {
  const rates = [
    ...(Object.keys(methods).length > 0 ? [`${lrPeft} for the methods`] : []),
    ...(trainDecoder ? [`${lrDecoder} for the mask decoder`] : []),
  ];
  const best = bestStep ? ` So are the best weights, of step ${bestStep}.` : '';
  return new Failure({
    code: 'train/not-finite',
    what: `The loss or its gradient is not a number at step ${step}, with a learning rate of ${rates.join(' and ')}, so training stopped. ${keptSentence(checkpointStep)}${best}`,
    cure: 'Train again with lower learning rates; going on from the checkpoint would end at the same step.',
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
