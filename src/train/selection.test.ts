import { expect, it } from 'vitest';
import { type SetScores, summarise } from './evaluate.ts';
import { gainError, isBetter, relabelled, type Selection, sumsOf, USUAL_SPREAD } from './selection.ts';

/** A dataset with an image an entry and an object a value: its IoU by box and by click. */
function scored(key: string, ...ious: readonly (readonly number[])[]): SetScores {
  const images = ious.map((own, i) => ({
    name: `${i}`,
    objects: own.map((iou) => ({ boxIou: iou, clickIou: iou, bestPicked: null })),
    gates: [],
    isReduced: false,
  }));
  return { key, images, summary: summarise(images) };
}

const error = (before: readonly SetScores[], after: readonly SetScores[]) =>
  gainError(sumsOf(before), sumsOf(after));

// The numbers of python/tests/test_finetune_tables.py.
it('clusters the error of a gain by image and averages it over datasets', () => {
  const before = [scored('a', [0.5, 0.5], [0.4]), scored('b', [0.5], [0.5]), scored('empty')];
  const after = [scored('a', [0.7, 0.7], [0.4]), scored('b', [0.5], [0.7]), scored('empty')];
  const [a, b] = [Math.sqrt(2 * 2 * (0.4 / 3) ** 2) / 3, 0.1];
  expect(error(before, after)).toBeCloseTo(Math.sqrt(a ** 2 + b ** 2) / 2, 12);
  expect(error([], [])).toBe(0);
});

it('names an image whose number of objects changed', () => {
  const before = sumsOf([scored('a', [0.5, 0.5], [0.4]), scored('b', [0.5])]);
  expect(relabelled(before, sumsOf([scored('a', [0.9, 0.1], [0.2]), scored('b', [0.7])]))).toBeNull();
  expect(relabelled(before, sumsOf([scored('a', [0.5, 0.5], [0.4, 0.3])]))).toEqual({ key: 'a', name: '1' });
  expect(relabelled(before, sumsOf([scored('b', [0.5], [0.6])]))).toEqual({ key: 'b', name: '1' });
  expect(relabelled([], before), 'nothing to compare with').toBeNull();
});

// The numbers of python/tests/test_finetune_tables.py.
it('takes the usual spread of objects for the error of a single image', () => {
  const one = [scored('a', [0.5, 0.5, 0.5, 0.5])];
  expect(error(one, [scored('a', [0.6, 0.6, 0.6, 0.6])])).toBeCloseTo(USUAL_SPREAD / 2, 12);
  const [own, usual] = [0.1, USUAL_SPREAD];
  const before = [scored('b', [0.5], [0.5]), scored('c', [0.5])];
  const after = [scored('b', [0.5], [0.7]), scored('c', [0.5])];
  expect(error(before, after)).toBeCloseTo(Math.sqrt(own ** 2 + usual ** 2) / 2, 12);
  const first: Selection = { bestStep: 0, bestScore: 0.5, startSums: sumsOf(one) };
  expect(isBetter(0.56, [scored('a', [0.56, 0.56, 0.56, 0.56])], first)).toBe(false);
  expect(isBetter(0.57, [scored('a', [0.57, 0.57, 0.57, 0.57])], first)).toBe(true);
});

it('replaces the start weights only for a gain beyond its error, and any other best for any higher score', () => {
  const start = [scored('a', [0.5], [0.5])];
  const small = [scored('a', [0.5], [0.54])];
  const clear = [scored('a', [0.56], [0.54])];
  const first: Selection = { bestStep: 0, bestScore: 0.5, startSums: sumsOf(start) };
  expect(isBetter(0.52, small, first)).toBe(false);
  expect(isBetter(0.55, clear, first)).toBe(true);
  const later: Selection = { ...first, bestStep: 2, bestScore: 0.55 };
  expect(isBetter(0.551, clear, later)).toBe(true);
  expect(isBetter(0.55, clear, later)).toBe(false);
});

it('takes any higher score where the start is not known, and the latest weights where nothing is scored', () => {
  const small = [scored('a', [0.5], [0.54])];
  expect(isBetter(0.52, small, { bestStep: 0, bestScore: 0.5, startSums: null })).toBe(true);
  expect(isBetter(null, [], { bestStep: 0, bestScore: null, startSums: [] })).toBe(true);
  expect(isBetter(0.1, small, { bestStep: null, bestScore: null, startSums: null })).toBe(true);
});
