/** When a run is checked on its validation images. */
import type { TrainConfig } from '../config/train.ts';

type Schedule = Pick<TrainConfig, 'steps' | 'evalEvery'>;

/** Whether a check is due after so many steps: before the first, every so many, and after the last. */
export function isCheckDue(step: number, { steps, evalEvery }: Schedule): boolean {
  return step % evalEvery === 0 || step === steps;
}

/** The checks that come after so many steps, one that is due then not counted; −1 counts all. */
export function checksAfter(step: number, { steps, evalEvery }: Schedule): number {
  return step >= steps ? 0 : Math.ceil(steps / evalEvery) - Math.floor(step / evalEvery);
}
