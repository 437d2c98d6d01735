import { describe, expect, it } from 'vitest';
import { splitCounts, splitNames } from './split.ts';

const names = (n: number) => Array.from({ length: n }, (_, i) => `img${i + 1}.png`);

describe('split', () => {
  it.each([
    [0, [0, 0, 0]],
    [1, [1, 0, 0]],
    [2, [1, 1, 0]],
    [3, [1, 1, 1]],
    [4, [2, 1, 1]],
    [5, [3, 1, 1]],
    [20, [12, 3, 5]],
    [60, [36, 9, 15]],
    [64, [38, 10, 16]],
    [1000, [600, 150, 250]],
  ])('%i samples', (n, [train, val, test]) => expect(splitCounts(n)).toEqual({ train, val, test }));

  it('has something in every part from three on, and loses nothing', () => {
    for (let n = 3; n < 200; n++) {
      const { train, val, test } = splitCounts(n);
      expect(train + val + test).toBe(n);
      expect(Math.min(train, val, test)).toBeGreaterThanOrEqual(1);
    }
  });

  it('does not depend on the order of the names, but on the seed', () => {
    const all = names(40);
    const split = splitNames(all, 5);
    expect(splitNames([...all].reverse(), 5)).toEqual(split);
    expect(splitNames(all, 6)).not.toEqual(split);
    expect([...split.train, ...split.val, ...split.test].sort()).toEqual([...all].sort());
    expect(split.train).not.toEqual(all.slice(0, 24));
  });

  it('keeps contiguous blocks by name', () => {
    const all = names(20);
    expect(splitNames([...all].reverse(), 5, 'name')).toEqual({
      train: all.slice(0, 12),
      val: all.slice(12, 15),
      test: all.slice(15),
    });
  });
});
