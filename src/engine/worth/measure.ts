import type { Gpu } from '../../gpu/gpu.ts';
import type { SamModel } from '../../sam/weights.ts';
import {
  type EvaluationHooks,
  type EvaluationOptions,
  evaluateSet,
  type ImageScore,
} from '../../train/evaluate.ts';
import type { EvaluationSet } from '../../train/training-set.ts';
import type { YieldDevice } from '../gpu-queue.ts';
import { SessionPredictor } from '../session-predictor.ts';
import type { Tuning } from '../tuning.ts';

/** Where models are measured one after the other. */
export interface Measuring {
  readonly gpu: Gpu;
  readonly model: SamModel;
  /** Has the device for one measurement; others may use it where it yields. */
  readonly onDevice: <T>(work: (yieldDevice: YieldDevice) => Promise<T>) => Promise<T>;
  /** Ends a measurement before its next image. */
  readonly signal?: AbortSignal;
}

/** A dataset that a model is measured on. */
export interface MeasuredSet extends Pick<EvaluationSet, 'key' | 'open'> {
  /** Its index among those of the run, for a model that tells them apart. */
  readonly asked: number;
}

/**
 * Measures a model on images of a dataset, in a session of its own.
 * @param tuning null for the base model.
 * @throws what the signal was aborted with; Failure `gpu/…`.
 */
export async function measureTuning(
  { gpu, model, onDevice, signal }: Measuring,
  tuning: Tuning | null,
  set: MeasuredSet,
  names: readonly string[],
  options: EvaluationOptions,
  hooks: Pick<EvaluationHooks, 'beforeImage' | 'onRefused'> = {},
): Promise<ImageScore[]> {
  return onDevice(async (yieldDevice) => {
    signal?.throwIfAborted();
    const predictor = await SessionPredictor.open(gpu, model, tuning);
    try {
      predictor.ask(set.asked);
      const scores = await evaluateSet(predictor, set, names, options, {
        ...hooks,
        beforeImage: async (done, total) => {
          await hooks.beforeImage?.(done, total);
          await yieldDevice();
        },
        yieldDevice,
        isInterrupted: () => signal?.aborted === true,
      });
      signal?.throwIfAborted();
      return scores;
    } finally {
      await predictor.release();
    }
  });
}
