/**
 * Which weights of a run are kept: those with the best validation score, if the gain over the start is more than
 * chance.
 */
import type { SetScores } from './evaluate.ts';

/**
 * Spread of an object's gain, IoU (mean of box and click): the standard error of a set's mean gain, paired by object and
 * clustered by image, times the root of its objects. Median of eight real sets (docs/measurements/finetune.md, sets alone).
 */
export const USUAL_SPREAD = 0.13;

/** What one image's objects scored: the sum over them of the mean of box and click IoU, and their number. */
export interface ImageSum {
  readonly name: string;
  readonly sum: number;
  readonly n: number;
}

export interface SetSums {
  readonly key: string;
  readonly images: readonly ImageSum[];
}

/** The best validation so far, and the scores that a run began with. */
export interface Selection {
  /** Step of the best; null before the first evaluation. */
  readonly bestStep: number | null;
  readonly bestScore: number | null;
  /** Scores of the validation at step 0; null before it, and in a checkpoint of a version that did not keep them. */
  readonly startSums: readonly SetSums[] | null;
}

export function sumsOf(scores: readonly SetScores[]): SetSums[] {
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
 * Whether weights replace the best so far. The start weights are replaced only when the gain is larger than its
 * standard error, since on a handful of objects weights that lose elsewhere often gain a little; after that any
 * higher score counts (docs/mopeft.md).
 * @param score null without a validation object: the latest weights count.
 */
export function isBetter(score: number | null, scores: readonly SetScores[], selection: Selection): boolean {
  const { bestStep, bestScore, startSums } = selection;
  if (score === null || bestScore === null) return true;
  const error = bestStep === 0 && startSums ? gainError(startSums, sumsOf(scores)) : 0;
  return score > bestScore + error;
}

/** An image that had another number of objects before, as its labels were changed meanwhile; null where none had. */
export function relabelled(
  before: readonly SetSums[],
  after: readonly SetSums[],
): { readonly key: string; readonly name: string } | null {
  for (const { key, images } of after) {
    const earlier = before.find((set) => set.key === key);
    for (const { name, n } of images) {
      const other = earlier?.images.find((image) => image.name === name);
      if (earlier && (other?.n ?? 0) !== n) return { key, name };
    }
  }
  return null;
}

/** Of the mean gain of a dataset's objects, with its images as clusters. */
export interface GainVariance {
  readonly variance: number;
  /** Images with an object. */
  readonly images: number;
}

/**
 * The variance of each dataset's mean gain, paired by object and clustered by image; datasets without an object are left out. A
 * single image tells no error: a dataset of one has that of as many objects with the usual spread.
 */
export function gainVariances(before: readonly SetSums[], after: readonly SetSums[]): GainVariance[] {
  const sumBefore = new Map(
    before.flatMap(({ key, images }) => images.map(({ name, sum }) => [`${key}\n${name}`, sum])),
  );
  return after.flatMap(({ key, images }) => {
    const gains = images.map(({ name, sum, n }) => ({
      gain: sum - (sumBefore.get(`${key}\n${name}`) ?? sum),
      n,
    }));
    const objects = gains.reduce((total, { n }) => total + n, 0);
    if (objects === 0) return [];
    if (gains.length === 1) return [{ variance: USUAL_SPREAD ** 2 / objects, images: 1 }];
    const mean = gains.reduce((total, { gain }) => total + gain, 0) / objects;
    const squares = gains.reduce((total, { gain, n }) => total + (gain - mean * n) ** 2, 0);
    const variance = (squares * gains.length) / (gains.length - 1) / objects ** 2;
    return [{ variance, images: gains.length }];
  });
}

/** Standard error of the gain in the mean over datasets. */
export function gainError(before: readonly SetSums[], after: readonly SetSums[]): number {
  return errorOfMean(gainVariances(before, after));
}

/** Standard error of the mean over datasets. */
export function errorOfMean(each: readonly GainVariance[]): number {
  return Math.sqrt(each.reduce((sum, { variance }) => sum + variance, 0)) / Math.max(1, each.length);
}
