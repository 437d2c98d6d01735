import { expect, it } from 'vitest';
import { type SetScores, summarise } from './evaluate.ts';
import { bestThreshold, LEAST_OBJECTS, MASK_THRESHOLDS } from './mask-threshold.ts';

/** Scores of so many equal objects a dataset as are needed to choose by. */
const scoresOf = (...ious: readonly (number | null)[]): SetScores[] =>
  scoresOfObjects(LEAST_OBJECTS, ...ious);

const scoresOfObjects = (n: number, ...ious: readonly (number | null)[]): SetScores[] =>
  ious.map((iou, i) => {
    const objects = iou === null ? [] : Array(n).fill({ boxIou: iou, clickIou: iou, bestPicked: null });
    const images = [{ name: 'a', objects, gates: [], isReduced: false }];
    return { key: `set ${i}`, images, summary: summarise(images) };
  });

it('takes the threshold with the highest mean over datasets', () => {
  const each = MASK_THRESHOLDS.map((t) => scoresOf(t === -1 ? 0.6 : 0.5, t === -0.5 ? 0.55 : 0.5, null));
  const best = bestThreshold(each);
  expect(best.maskThreshold).toBe(-1);
  expect(best.score).toBeCloseTo(0.55);
  expect(best.scores).toBe(each[MASK_THRESHOLDS.indexOf(-1)]);
});

it("keeps SAM's own where others are no better, and where there is nothing to go by", () => {
  expect(bestThreshold(MASK_THRESHOLDS.map(() => scoresOf(0.4))).maskThreshold).toBe(0);
  expect(bestThreshold(MASK_THRESHOLDS.map(() => scoresOf(null)))).toMatchObject({
    score: null,
    maskThreshold: 0,
  });
  expect(bestThreshold(MASK_THRESHOLDS.map(() => []))).toEqual({ scores: [], score: null, maskThreshold: 0 });
});

it('keeps 0 with too few objects to tell, counted over all datasets', () => {
  const each = (n: number) =>
    MASK_THRESHOLDS.map((t) => {
      const iou = t === 1 ? 0.6 : 0.5;
      return [...scoresOfObjects(n, iou), ...scoresOfObjects(1, iou)];
    });
  expect(bestThreshold(each(LEAST_OBJECTS - 2))).toMatchObject({ score: 0.5, maskThreshold: 0 });
  expect(bestThreshold(each(LEAST_OBJECTS - 1))).toMatchObject({ score: 0.6, maskThreshold: 1 });
});
