import { expect, test } from 'vitest';
import { Random } from '../../config/random.ts';
import { summarise } from '../../train/evaluate.ts';
import { gainError, isBetter, USUAL_SPREAD } from '../../train/selection.ts';
import { gainOutlook, imagesUntil, provable, spreadOf, t95 } from './provable-gain.ts';

test('the quantile of t is that of the tables', () => {
  for (const [n, t] of [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [10, 2.228],
    [30, 2.042],
  ] as const)
    expect(Math.abs(t95(n) - t)).toBeLessThan(0.001);
  // Between two of the tables, at least the quantile: as SciPy has it.
  for (const [n, t] of [
    [1.5, 6.0166],
    [2.5, 3.5746],
  ] as const) {
    expect(t95(n)).toBeGreaterThan(t);
    expect(t95(n)).toBeLessThan(1.2 * t);
  }
});

test('the error is that of the paired gains, with as much spread as was told', () => {
  const random = Random.fromSeed(1, 'gains');
  // Each object gains 0.2 or nothing: a spread of 0.1 around a mean of 0.1.
  const images = Array.from({ length: 400 }, (_, i) => {
    const gains = [0, 1, 2].map(() => 0.2 * random.integer(2));
    return { name: `${i}`, sum: gains.reduce((a, b) => a + b, 0), n: gains.length };
  });
  const before = images.map((image) => ({ ...image, sum: 0 }));
  const measured = gainError([{ key: 'a', images: before }], [{ key: 'a', images }]);
  const told = provable([{ objects: images.map(({ n }) => n), spread: 0.1 }]).error ?? 0;
  expect(Math.abs(measured / told - 1)).toBeLessThan(0.1);
});

test('more objects show smaller gains, several datasets are averaged, and one image shows nothing', () => {
  const set = { objects: [3, 3, 3], spread: USUAL_SPREAD };
  const nine = provable([set]);
  expect(nine).toMatchObject({ objects: 9, images: 3 });
  expect(nine.error).toBeCloseTo(USUAL_SPREAD / 3, 12);
  expect(nine.gain).toBeCloseTo((4.303 * USUAL_SPREAD) / 3, 3);
  expect(provable([set, set]).error).toBeCloseTo(USUAL_SPREAD / Math.sqrt(18), 12);
  expect(provable([{ ...set, objects: [9] }])).toMatchObject({
    images: 1,
    error: USUAL_SPREAD / 3,
    gain: null,
  });
  expect(provable([{ ...set, objects: [5, 4] }]).gain).toBeNull();
  expect(provable([])).toEqual({ objects: 0, images: 0, error: null, gain: null });
});

test('says how many images more show a gain, and that they do', () => {
  const set = { objects: [3, 3, 3], spread: USUAL_SPREAD };
  const more = imagesUntil(0.065, [set], 0.25) ?? 0;
  expect(more).toBeGreaterThan(0);
  const added = Math.floor(more / 4);
  const grown = (count: number) =>
    provable([{ ...set, objects: Array.from({ length: 3 + count }, () => 3) }]).gain;
  expect(grown(added)).toBeLessThanOrEqual(0.065);
  expect(grown(added - 1)).toBeGreaterThan(0.065);
  expect(imagesUntil(1, [set], 0.25)).toBe(0);
  expect(imagesUntil(1e-6, [set], 0.25)).toBeNull();
});

test('before a run it says what so few objects cannot show, and what would', () => {
  const few = gainOutlook([{ validation: [3, 3, 3], test: [3, 3, 3, 3], spread: null }], 0.25);
  expect(few.sentences[0]).toBe(
    'With 9 validation objects, a gain below 0.04 IoU is not told from chance: the run then keeps the base model.',
  );
  expect(few.sentences[1]).toMatch(
    /^With 12 test objects, the verdict can show a gain of 0\.12 or more\. To show 0\.07, .* label about \d+ more objects \(\d+ images\)\.$/,
  );
  expect(few.sentences[2]).toContain('eight real sets');
  const many = gainOutlook([{ validation: [5, 5], test: Array(40).fill(5), spread: 0.05 }], 0.25);
  expect(many.sentences[1]).toBe('With 200 test objects, the verdict can show a gain of 0.007 or more.');
  expect(many.sentences[2]).toContain('earlier runs');
  expect(gainOutlook([{ validation: [], test: [], spread: null }], 0.25).sentences[1]).toContain(
    'no verdict',
  );
  expect(gainOutlook([], 0.25).sentences).toEqual([]);
});

test('the spread of earlier runs comes from their intervals, where these say something', () => {
  const half = t95(4) * 0.02;
  const measure = { gainLow: 0.1 - half, gainHigh: 0.1 + half, n: 25, images: 5 };
  expect(spreadOf([{ box: measure, click: measure }])).toBeCloseTo(0.1, 12);
  const kept = { ...measure, gainLow: 0, gainHigh: 0 };
  const few = { ...measure, images: 2 };
  expect(
    spreadOf([
      { box: kept, click: kept },
      { box: few, click: few },
    ]),
  ).toBeNull();
});

test('a run keeps the base model up to the very gain that was said before it, and not beyond', () => {
  const { sentences, validation } = gainOutlook([{ validation: [3, 3, 3], test: [], spread: null }], 0.25);
  expect(sentences[0]).toContain('With 9 validation objects, a gain below 0.04 IoU is not told from chance');
  const said = validation.error ?? 0;
  expect(said).toBeCloseTo(0.13 / 3, 12);
  // Three images of three objects whose mean gains lie 0.13 / √3 apart have just this standard error.
  const apart = 0.13 / Math.sqrt(3);
  const scored = (gain: number) => {
    const images = [gain - apart, gain, gain + apart].map((own, i) => ({
      name: `${i}`,
      objects: Array.from({ length: 3 }, () => ({
        boxIou: 0.5 + own,
        clickIou: 0.5 + own,
        bestPicked: null,
      })),
      gates: [],
      isReduced: false,
    }));
    return [{ key: 'a', images, summary: summarise(images) }];
  };
  const images = ['0', '1', '2'].map((name) => ({ name, sum: 1.5, n: 3 }));
  const start = { bestStep: 0, bestScore: 0.5, startSums: [{ key: 'a', images }] };
  const isKept = (gain: number) => isBetter(0.5 + gain, scored(gain), start);
  expect([isKept(said * 0.99), isKept(said * 1.01)]).toEqual([false, true]);
});

test('with the validation objects in one image the usual spread decides, as is said before', () => {
  const { sentences, validation, test } = gainOutlook([{ validation: [4], test: [5, 5], spread: 0.5 }], 0.25);
  expect(validation.error).toBeCloseTo(USUAL_SPREAD / 2, 12);
  expect(sentences[0]).toContain('With 4 validation objects, a gain below 0.07 IoU is not told from chance');
  expect(test.gain).toBeNull();
  expect(sentences[1]).toMatch(
    /^With 10 test objects in 2 images, the verdict cannot show any gain\. To show 0\.07/,
  );
  const one = (iou: number) => {
    const objects = Array.from({ length: 4 }, () => ({ boxIou: iou, clickIou: iou, bestPicked: null }));
    const images = [{ name: '0', objects, gates: [], isReduced: false }];
    return [{ key: 'a', images, summary: summarise(images) }];
  };
  const images = [{ name: '0', sum: 2, n: 4 }];
  const start = { bestStep: 0, bestScore: 0.5, startSums: [{ key: 'a', images }] };
  expect([isBetter(0.564, one(0.564), start), isBetter(0.566, one(0.566), start)]).toEqual([false, true]);
});
