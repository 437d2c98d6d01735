import { expect, it } from 'vitest';
import { checkedCounts, countsOfText, textOfCounts } from './run-lengths.ts';

it('reads the compressed text of known masks', () => {
  // A 3 × 3 mask with its middle set is 4 background, 1 object, 4 background pixels.
  expect(countsOfText('414')).toEqual([4, 1, 4]);
  // From the documentation of pycocotools: 6, 1, 40, 4, 5, 4, 5, 4, 21 of a 9 × 10 image.
  expect(countsOfText('61X13mN000`0')).toEqual([6, 1, 40, 4, 5, 4, 5, 4, 21]);
  expect(countsOfText('')).toEqual([]);
  expect(textOfCounts([4, 1, 4])).toBe('414');
  expect(textOfCounts([6, 1, 40, 4, 5, 4, 5, 4, 21])).toBe('61X13mN000`0');
});

it('reads what it writes, at every size of number', () => {
  for (const counts of [
    [0, 1],
    [15, 16, 17, 1, 31, 32],
    [0, 1_000_000, 3, 1, 99_999_999],
    [1, 2, 1, 4096, 1, 4095],
  ]) {
    expect(countsOfText(textOfCounts(counts))).toEqual(counts);
  }
});

it('refuses text of another form, that ends early, or with numbers beyond any image', () => {
  for (const text of ['a b', '4\u00e9', 'X', '\u0000', 'oooooooooooo'])
    expect(countsOfText(text)).toBe(undefined);
});

it('keeps lengths that fit their pixels and names the one that does not', () => {
  expect(checkedCounts([4, 1, 4], 9)).toEqual(Int32Array.of(4, 1, 4));
  expect(checkedCounts([4, 1], 9)).toEqual(Int32Array.of(4, 1));
  expect(checkedCounts([4, 1, 5], 9)).toMatch('more than its 9 pixels');
  expect(checkedCounts([4, -1, 5], 9)).toMatch('length 2 is -1');
  expect(checkedCounts([4, Number.NaN], 9)).toMatch('length 2 is NaN');
  expect(checkedCounts([4, '1'], 9)).toMatch(/length 2 is 1/);
});
