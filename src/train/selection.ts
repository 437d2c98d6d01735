/** Which weights of a run are kept: those with the best validation score, if their gain over the first is more than chance. */
import type { SetScores } from './mask-threshold.ts';

/** What one image's objects scored at the start: the sum over them of the mean of box and click IoU, and their number. */
export interface ImageTally {
  readonly name: string;
  readonly sum: number;
  readonly n: number;
}

export interface SetTally {
  readonly key: string;
  readonly images: readonly ImageTally[];
}

/** The best validation so far, and the weights that a run began with. */
export interface Standing {
  /** Step of the best; null before the first evaluation. */
  readonly bestStep: number | null;
  readonly bestScore: number | null;
  /** Validation of step 0; null in a checkpoint written before there was one. */
  readonly startTally: readonly SetTally[] | null;
}

export function tallyOf(scores: readonly SetScores[]): SetTally[] {
  return scores.map(({ key, images }) => ({
    key,
    images: images.map(({ name, objects }) => ({
      name,
      sum: objects.reduce((sum, { boxIou, clickIou }) => sum + (boxIou + clickIou) / 2, 0),
      n: objects.length,
    })),
  }));
}

/**
 * Whether the weights with this score (null: no validation object, the latest count) take the place of the best so far.
 * Any higher score does once something was learned; the first weights give way only to a gain beyond its standard error, since
 * a handful of objects finds a little gain for weights that lose (docs/mopeft.md).
 */
export function isBetter(score: number | null, scores: readonly SetScores[], standing: Standing): boolean {
  const { bestStep, bestScore, startTally } = standing;
  if (score === null || bestScore === null) return true;
  const error = bestStep === 0 && startTally ? gainError(startTally, tallyOf(scores)) : 0;
  return score > bestScore + error;
}

/**
 * Standard error of the gain in the mean over datasets, paired by object and clustered by image. A dataset with a single
 * image says nothing of its error and adds none.
 */
export function gainError(before: readonly SetTally[], after: readonly SetTally[]): number {
  const first = new Map(
    before.flatMap(({ key, images }) => images.map(({ name, sum }) => [`${key}\n${name}`, sum])),
  );
  const variances = after.flatMap(({ key, images }) => {
    const gains = images.map(({ name, sum, n }) => ({
      gain: sum - (first.get(`${key}\n${name}`) ?? sum),
      n,
    }));
    const objects = gains.reduce((total, { n }) => total + n, 0);
    if (objects === 0) return [];
    const mean = gains.reduce((total, { gain }) => total + gain, 0) / objects;
    const squares = gains.reduce((total, { gain, n }) => total + (gain - mean * n) ** 2, 0);
    return [(squares * gains.length) / Math.max(1, gains.length - 1) / objects ** 2];
  });
  return Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0)) / Math.max(1, variances.length);
}
