import type { SetScores } from './evaluate.ts';

/**
 * The thresholds that a tuned model may get for its logits. SAM's own is 0. The focal loss (α 0.25) weighs a false
 * foreground pixel three times as much as a missed one, so an uncertain model, such as one after few steps on few
 * images, segments thin and faint things too small at 0. The threshold with the best score on the validation images
 * is taken (docs/measurements/finetune.md).
 */
export const MASK_THRESHOLDS: readonly number[] = [0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2, 2];

/** SAM's own threshold, also that of a tuned model with fewer validation objects than {@link LEAST_OBJECTS}. */
export const SAM_MASK_THRESHOLD = 0;

/** With fewer objects the best of nine thresholds is a matter of luck. */
export const LEAST_OBJECTS = 30;

/** Scores at a threshold. */
export interface ThresholdScores {
  readonly scores: readonly SetScores[];
  /** Mean over datasets of the mean of box and click IoU; null without an object. */
  readonly score: number | null;
  readonly maskThreshold: number;
}

/**
 * The threshold with the highest score, of equals the one nearest to 0. With too few objects it is 0.
 * @param byThreshold scores at each of `MASK_THRESHOLDS`, in that order, or at 0 alone.
 */
export function bestThreshold(byThreshold: readonly (readonly SetScores[])[]): ThresholdScores {
  const [atZero = []] = byThreshold;
  const objects = atZero.reduce((sum, { summary }) => sum + summary.n, 0);
  const scored = byThreshold.map((scores, t) => ({
    scores,
    score: meanScore(scores),
    maskThreshold: MASK_THRESHOLDS[t] ?? SAM_MASK_THRESHOLD,
  }));
  const first: ThresholdScores = scored[0] ?? { scores: [], score: null, maskThreshold: SAM_MASK_THRESHOLD };
  if (objects < LEAST_OBJECTS) return first;
  return scored.reduce<ThresholdScores>(
    (best, next) => ((next.score ?? 0) > (best.score ?? 0) ? next : best),
    first,
  );
}

function meanScore(scores: readonly SetScores[]): number | null {
  const counted = scores.filter(({ summary }) => summary.n > 0);
  if (counted.length === 0) return null;
  const sum = counted.reduce((total, { summary }) => total + (summary.boxIou + summary.clickIou) / 2, 0);
  return sum / counted.length;
}
