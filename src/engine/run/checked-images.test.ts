import { expect, test } from 'vitest';
import { checkedImages } from './checked-images.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const set = (val: number, test: number) => ({
  split: { train: names(5), val: names(val), test: names(test) },
});

test('all checks of a run measure its validation images, and two models its test images', () => {
  const train = { steps: 300, evalEvery: 50, evalImages: 0 };
  expect(checkedImages([set(4, 6)], train, -1)).toBe(7 * 4 + 2 * 6);
  expect(checkedImages([set(4, 6), set(20, 0)], { ...train, evalImages: 12 }, -1)).toBe(7 * 16 + 12);
  expect(checkedImages([set(4, 6)], train, 270)).toBe(4 + 12);
  expect(checkedImages([set(4, 6)], train, 300)).toBe(12);
});
