import { Failure } from '../config/failure.ts';
import type { WeightPrecision } from '../sam/halves.ts';
import { type Checkpoint, type RunState, type RunStorage, readCheckpoint } from './checkpoint.ts';

/** What a run keeps when it goes on elsewhere: other numbers would sum in another order. */
export type PinnedSizes = Pick<RunState, 'objectsPerPass' | 'imagesPerPass'>;
export type Pinned = PinnedSizes & Pick<RunState, 'kernels'>;

export function pinnedSizes({ objectsPerPass, imagesPerPass }: PinnedSizes): PinnedSizes {
  return { objectsPerPass, imagesPerPass };
}

/** @throws Failure `train/no-checkpoint`. */
export async function lastCheckpoint(storage: RunStorage): Promise<Checkpoint> {
  const bytes = await storage.readCheckpoint();
  if (bytes) return readCheckpoint(bytes, 'checkpoint');
  throw new Failure({
    code: 'train/no-checkpoint',
    what: 'The run has no checkpoint to resume from.',
    cure: 'Start a new run.',
  });
}

/** That a run may not go on with other weights than it began with. */
export function otherWeights(stored: WeightPrecision, asked: WeightPrecision): Failure {
  return new Failure({
    code: 'train/other-weights',
    what: `The checkpoint was trained on frozen weights in ${stored}, and the run's settings say ${asked}.`,
    where: 'weights',
    cure: `Set "weights" in the run's config.json back to "${stored}".`,
  });
}
