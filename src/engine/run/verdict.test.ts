import { expect, test } from 'vitest';
import { compareRuns, computeVerdict, type DatasetPairs } from './verdict.ts';
import type { VerdictContext } from './verdict-context.ts';
import { intervalText } from './verdict-words.ts';

const context = {
  trainImages: 10,
  steps: 100,
  bestStep: 50,
  validation: { objects: 9, base: 0.5, bestGain: 0.1 },
};

/** A dataset whose images have these (base, tuned) IoUs, the same by box and by click. */
function pairs(name: string, images: readonly (readonly (readonly [number, number])[])[]): DatasetPairs {
  return {
    id: name,
    name,
    images: images.map((objects, i) => {
      const base = objects.map(([b]) => b);
      const tuned = objects.map(([, t]) => t);
      return { name: `${i}.png`, base: { box: base, click: base }, tuned: { box: tuned, click: tuned } };
    }),
  };
}

test('a gain on every image is called better, with an interval around it', () => {
  const { box, sentence } = computeVerdict(
    [
      pairs('a', [
        [[0.5, 0.7]],
        [
          [0.4, 0.5],
          [0.6, 0.8],
        ],
        [[0.5, 0.6]],
      ]),
    ],
    context,
  );
  expect(box.base).toBeCloseTo(0.5);
  expect(box.tuned).toBeCloseTo(0.65);
  expect(box.gainLow).toBeGreaterThan(0);
  expect(box.gainLow).toBeLessThanOrEqual(0.15);
  expect(box.gainHigh).toBeGreaterThanOrEqual(0.15);
  expect([box.n, box.images]).toEqual([4, 3]);
  expect(sentence).toMatch(/^Better: IoU 0.50 → 0.65 \(\+0.15.*on 3 test images with 4 objects\.$/);
});

test('two runs with the same masks are said to be the same', () => {
  const same = pairs('a', [[[0.5, 0.5]], [[0.6, 0.6]]]);
  expect(compareRuns('Cells', [same])?.sentence).toBe(
    'Against Cells: the same, on 2 test images that both runs left out.',
  );
  const other = pairs('a', [[[0.5, 0.6]], [[0.6, 0.6]]]);
  expect(compareRuns('Cells', [other])?.sentence).toMatch(/^Against Cells: IoU 0.55 → 0.60/);
});

test('the mean of box and click has an interval of its own, paired by object', () => {
  // What boxes gain, clicks lose: each prompt's gain varies from image to image, their mean does not.
  const images = [0.1, -0.2, 0.3, -0.1].map((gain, i) => ({
    name: `${i}.png`,
    base: { box: [0.5], click: [0.5] },
    tuned: { box: [0.55 + gain], click: [0.55 - gain] },
  }));
  const { box, both } = computeVerdict([{ id: 'a', name: 'a', images }], context);
  expect(both).toMatchObject({ n: 4, images: 4 });
  for (const key of ['gainLow', 'gainHigh'] as const) expect(both?.[key]).toBeCloseTo(0.05, 12);
  expect(box.gainHigh - box.gainLow).toBeGreaterThan(0.1);
});

test('a run that keeps a share of its modules says how many are left, or that it ended before that was settled', () => {
  const sets = [pairs('a', [[[0.5, 0.7]], [[0.4, 0.6]], [[0.5, 0.6]]])];
  const modules = { left: 5, of: 18, parameters: 240, ofParameters: 1000 };
  const { sentence } = computeVerdict(sets, { ...context, modules });
  expect(sentence).toMatch(/3 objects\. 5 of 18 modules are left, with 24 % of their parameters\.$/);
  const early = { ...context, bestStep: 0, validation: { objects: 9, base: 0.5, bestGain: null }, modules };
  expect(computeVerdict(sets, early).sentence).toMatch(
    /^The base model was kept: the run ended before it was settled which modules are left\./,
  );
});

test('a run without a validation object says first that its last weights were kept unchecked', () => {
  const sets = [pairs('a', [[[0.5, 0.4]], [[0.6, 0.5]], [[0.5, 0.4]]])];
  const { sentence } = computeVerdict(sets, { ...context, validation: null });
  expect(sentence).toMatch(
    /^Without a validation object the last weights were kept, better or not\. Worse: IoU/,
  );
});

test('of a run that was never checked, no advice follows from which weights were the last', () => {
  const sets = [pairs('a', Array(6).fill([[0.5, 0.7]]))];
  const last = { ...context, bestStep: 100 };
  expect(computeVerdict(sets, last).suggestion).toMatch(/^The best weights are among the last: train again/);
  expect(computeVerdict(sets, { ...last, validation: null }).suggestion).toMatch(
    /^Label more images, so that validation has objects/,
  );
});

test('an interval that just leaves out 0 is not rounded to it', () => {
  const { box, sentence } = computeVerdict(
    [
      pairs(
        'a',
        [0.51, 0.54, 0.55].map((iou) => [[0.5, iou]]),
      ),
    ],
    {
      ...context,
    },
  );
  expect(box.gainLow).toBeLessThan(0);
  const told = pairs(
    'a',
    [0.513, 0.525, 0.515, 0.559, 0.562, 0.507].map((iou) => [[0.5, iou]]),
  );
  const sure = computeVerdict([told], context);
  expect(sure.box.gainLow).toBeGreaterThan(0);
  expect(sure.sentence).toMatch(/^Better: IoU 0\.500 → 0\.530 \(\+0\.030, 95 % between \+0\.00\d and/);
  expect(sentence).toMatch(/^No clear change/);
});

test('datasets of few and of many test images: the few decide how sure the mean is', () => {
  const images = (gains: readonly number[]) => gains.map((gain) => [[0.5, 0.5 + gain]] as const);
  const few = pairs('few', images([0.1, 0.2]));
  const many = pairs('many', images([0.1, 0.12, 0.08, 0.11, 0.1]));
  const { box } = computeVerdict([few, many], context);
  // Variances of the means 0.0025 and 0.000044, so 1.035 degrees of freedom and t = 12.13.
  expect((box.gainHigh - box.gainLow) / 2).toBeCloseTo(0.306, 3);
  expect(box.gainLow).toBeLessThan(0);
});

test('gains that point both ways are called unclear', () => {
  const images = [[[0.5, 0.9]], [[0.9, 0.5]], [[0.3, 0.5]], [[0.5, 0.3]]] as const;
  const { sentence } = computeVerdict([pairs('a', images)], context);
  expect(sentence).toContain('No clear change');
});

test('the interval is Student’s t with images as clusters, so three images that all gain need not be a proof', () => {
  const { box, sentence } = computeVerdict([pairs('a', [[[0.5, 0.6]], [[0.5, 0.7]], [[0.5, 0.8]]])], context);
  // Means 0.1 apart: a standard error of 0.1 / √3, and 4.303 of them.
  expect(box.gainLow).toBeCloseTo(0.2 - (4.303 * 0.1) / Math.sqrt(3), 4);
  expect(box.gainHigh).toBeCloseTo(0.2 + (4.303 * 0.1) / Math.sqrt(3), 4);
  expect(sentence).toMatch(/^No clear change: IoU 0.50 → 0.70 \(\+0.20, 95 % between −0.05 and \+0.45\)/);
});

test('datasets of which one has a single test image claim nothing together, and the others their own', () => {
  const alone = pairs('alone', [[[0.5, 0.9]]]);
  const { box, perDataset, suggestion } = computeVerdict(
    [pairs('a', Array(6).fill([[0.5, 0.6]])), alone],
    context,
  );
  expect([box.gainLow, box.gainHigh]).toEqual([-1, 1]);
  expect(perDataset[0]?.box.gainLow).toBeCloseTo(0.1, 12);
  expect(perDataset[1]?.box.gainLow).toBe(-1);
  expect(suggestion).toMatch(/^alone has only 1 test image: label more of its images/);
});

test('a small gain has a digit more', () => {
  const images = [[[0.5, 0.507]], [[0.6, 0.609]], [[0.4, 0.408]]] as const;
  const { sentence } = computeVerdict([pairs('a', images)], context);
  expect(sentence).toMatch(/^Better: IoU 0\.500 → 0\.508 \(\+0\.008, 95 % between \+0\.00[4-8] and/);
});

test('datasets count alike, whatever their size', () => {
  const sets = [pairs('many', Array(9).fill([[0.5, 0.5]])), pairs('few', Array(3).fill([[0, 1]]))];
  const { box, suggestion } = computeVerdict(sets, context);
  expect(box.tuned - box.base).toBeCloseTo(0.5);
  expect([box.gainLow, box.gainHigh]).toEqual([0.5, 0.5]);
  expect(suggestion).toContain('many is the weakest dataset');
});

test('without objects nothing is claimed', () => {
  const verdict = computeVerdict([pairs('a', [[]])], context);
  expect(verdict.box.n).toBe(0);
  expect(verdict.sentence).toContain('nothing can be said');
});

test('the suggestion follows from the intervals, not from the sign of a tiny mean', () => {
  const tiny = computeVerdict(
    [pairs('a', [[[0.5, 0.49]], [[0.4, 0.41]], [[0.6, 0.6]], [[0.5, 0.49]], [[0.2, 0.2]]])],
    context,
  );
  expect(tiny.suggestion).toContain('more steps or higher');
  const worse = computeVerdict([pairs('a', [[[0.5, 0.3]], [[0.6, 0.3]], [[0.5, 0.2]]])], context);
  expect(worse.suggestion).toContain('base model is better');
  expect(worse.sentence).toContain('Worse');
});

test('a run that keeps the base model says so first, why, and what would help', () => {
  const same = pairs('a', Array(6).fill([[0.5, 0.5]]));
  const kept = (more: Partial<VerdictContext>) =>
    computeVerdict([same], { ...context, bestStep: 0, ...more });
  const small = kept({ validation: { objects: 9, base: 0.5, bestGain: 0.03 } });
  expect(small.sentence).toBe(
    'The base model was kept: the best check gained +0.030 IoU on 9 validation objects, which is within its error. It has IoU 0.50 by box and 0.50 by click on 6 test images.',
  );
  expect(small.suggestion).toContain('9 validation objects and 10 training images');
  const none = kept({ validation: { objects: 9, base: 0.5, bestGain: -0.01 }, trainImages: 60 });
  expect(none.sentence).toContain('no check was better than it on 9 validation objects');
  expect(none.suggestion).toContain('half the learning rate');
  const broken = kept({ validation: { objects: 9, base: 0.8, bestGain: -0.7 } });
  expect(broken.suggestion).toBe(
    'Every check was worse than the base model, by 0.70 IoU or more: train again with lower learning rates.',
  );
  // As where all its masks were accepted.
  const own = kept({ validation: { objects: 9, base: 0.96, bestGain: -0.01 } });
  expect(own.suggestion).toMatch(/^On the validation objects the base model has IoU 0.96 already/);
});

test('the images that got worse are counted, and the worst is named', () => {
  const some = pairs('a', [[[0.5, 0.9]], [[0.5, 0.4]], [[0.5, 0.2]], [[0.5, 0.49]]]);
  expect(computeVerdict([some], context).suggestion).toContain(
    '2 of 4 test images are worse than with the base model, most of all 2.png (−0.30). Label more images like it.',
  );
  const one = pairs('a', [[[0.5, 0.9]], [[0.5, 0.4]]]);
  expect(computeVerdict([one], context).suggestion).toContain(
    '1 of 2 test images is worse than with the base model: 1.png (−0.10). Label more images like it.',
  );
  const fine = pairs('a', [[[0.5, 0.9]], [[0.5, 0.49]]]);
  expect(computeVerdict([fine], context).suggestion).not.toContain('worse than with');
});

test('one or two test images claim nothing, whatever their gain', () => {
  const { box, sentence, suggestion } = computeVerdict(
    [
      pairs('a', [
        [
          [0.5, 0.9],
          [0.5, 0.8],
        ],
      ]),
    ],
    context,
  );
  expect([box.gainLow, box.gainHigh]).toEqual([-1, 1]);
  expect(intervalText(box)).toBe('too few images');
  expect(intervalText({ gainLow: 0.1, gainHigh: 0.2 })).toBe('+0.100 to +0.200');
  expect(sentence).toBe(
    'IoU 0.50 → 0.85 (+0.35, which 1 image cannot tell from chance) by box and IoU 0.50 → 0.85 (+0.35, which 1 image cannot tell from chance) by click, on 1 test image with 2 objects.',
  );
  expect(suggestion).toMatch(/^Only 1 test image: label more images/);
  const two = computeVerdict([pairs('a', [[[0.5, 0.9]], [[0.5, 0.9]]])], context);
  expect(two.sentence).toMatch(/which 2 images cannot tell from chance/);
});
