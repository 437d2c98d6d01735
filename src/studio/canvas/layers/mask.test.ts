import { expect, test } from 'vitest';
import { extentOf } from './mask.ts';

const size = { width: 5, height: 4 };
const marked = (...at: readonly number[]) =>
  Uint8Array.from({ length: 20 }, (_, i) => (at.includes(i) ? 1 : 0));

test('a mask is painted where it marks something', () => {
  expect(extentOf(marked(), size)).toBeNull();
  expect(extentOf(marked(7), size)).toEqual([2, 1, 3, 2]);
  expect(extentOf(marked(3, 16), size)).toEqual([1, 0, 4, 4]);
  expect(extentOf(new Uint8Array(20).fill(1), size)).toEqual([0, 0, 5, 4]);
});
