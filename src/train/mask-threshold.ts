import type { EvaluationSummary, ImageScore } from './evaluate.ts';

/**
 * The logit at which a tuned model's masks are cut. SAM cuts at 0, which is right for a model that is sure of itself. Its focal
 * loss (α 0.25) asks three times as much to add a pixel as to leave one out, so a model that is unsure, as one after few steps
 * on few images is, draws thin and faint things too small at 0: the best of these on the validation images is taken instead
 * (docs/measurements/finetune.md).
 */
export const MASK_THRESHOLDS: readonly number[] = [0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2, 2];

/** Where SAM itself cuts, and a model with fewer validation objects than {@link LEAST_OBJECTS}. */
export const SAM_MASK_THRESHOLD = 0;

/** With fewer objects the best of nine thresholds is the luckiest. */
export const LEAST_OBJECTS = 30;

/** How a dataset's images of one split did. */
export interface SetScores {
  readonly key: string;
  readonly images: readonly ImageScore[];
  readonly summary: EvaluationSummary;
}

/** Scores with masks cut at a threshold. */
export interface ThresholdScores {
  readonly scores: readonly SetScores[];
  /** Mean over datasets of the mean of box and click IoU; null without an object. */
  readonly score: number | null;
  readonly maskThreshold: number;
}

/**
 * The threshold with the highest score, the nearest to 0 of equals; 0 where there are too few objects to tell.
 * `each[t]` are the scores at `MASK_THRESHOLDS[t]`, those at 0 first.
 */
export function bestThreshold(each: readonly (readonly SetScores[])[]): ThresholdScores {
  const atZero = each[0] ?? [];
  const objects = atZero.reduce((sum, { summary }) => sum + summary.n, 0);
  const scored = each.map((scores, t) => ({
    scores,
    score: meanScore(scores),
    maskThreshold: MASK_THRESHOLDS[t] ?? SAM_MASK_THRESHOLD,
  }));
  const first: ThresholdScores = scored[0] ?? { scores: [], score: null, maskThreshold: SAM_MASK_THRESHOLD };
  if (objects < LEAST_OBJECTS) return first;
  return scored.reduce<ThresholdScores>(
    (best, cut) => ((cut.score ?? 0) > (best.score ?? 0) ? cut : best),
    first,
  );
}

function meanScore(scores: readonly SetScores[]): number | null {
  const counted = scores.filter(({ summary }) => summary.n > 0);
  if (counted.length === 0) return null;
  const sum = counted.reduce((total, { summary }) => total + (summary.boxIou + summary.clickIou) / 2, 0);
  return sum / counted.length;
}
