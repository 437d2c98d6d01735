import { describe, expect, it } from 'vitest';
import { extendSplit, type SplitParts, splitCounts, splitCountsOf, splitSamples } from './split.ts';
import type { Split } from './types.ts';

const names = (n: number) => Array.from({ length: n }, (_, i) => `img${i + 1}.png`);
const samples = (all: readonly string[], split?: Split) =>
  all.map((name) => ({ name, ...(split ? { split } : {}) }));

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
    const split = splitSamples(samples(all), 5);
    expect(splitSamples(samples([...all].reverse()), 5)).toEqual(split);
    expect(splitSamples(samples(all), 6)).not.toEqual(split);
    expect([...split.train, ...split.val, ...split.test].sort()).toEqual([...all].sort());
    expect(split.train).not.toEqual(all.slice(0, 24));
  });

  it('keeps contiguous blocks by name', () => {
    const all = names(20);
    expect(splitSamples(samples([...all].reverse()), 5, 'name')).toEqual({
      train: all.slice(0, 12),
      val: all.slice(12, 15),
      test: all.slice(15),
    });
  });

  describe('of folders', () => {
    const inFolders = (counts: Readonly<Partial<Record<Split, number>>>) =>
      (['train', 'val', 'test'] as const).flatMap((split) =>
        samples(
          names(counts[split] ?? 0).map((name) => `${split}/${name}`),
          split,
        ),
      );

    it('holds when the folders name all parts', () => {
      const all = inFolders({ train: 5, val: 1, test: 2 });
      const { train, val, test } = splitSamples(all, 3);
      expect(train).toEqual(names(5).map((name) => `train/${name}`));
      expect(val).toEqual(['val/img1.png']);
      expect(test).toEqual(['test/img1.png', 'test/img2.png']);
      expect(splitCountsOf(all)).toEqual({ train: 5, val: 1, test: 2 });
    });

    it.each([
      [{ train: 16, val: 4 }, [11, 4, 5]],
      [{ train: 16, test: 4 }, [13, 3, 4]],
      [{ train: 20 }, [12, 3, 5]],
      [{ train: 1, val: 4 }, [1, 4, 0]],
      [{ train: 2, test: 4 }, [1, 1, 4]],
      [{ test: 20 }, [12, 3, 5]],
    ] as const)('draws what %o does not name from the training samples', (counts, [train, val, test]) => {
      const all = inFolders(counts);
      const split = splitSamples(all, 3);
      expect(splitCountsOf(all)).toEqual({ train, val, test });
      expect([split.train.length, split.val.length, split.test.length]).toEqual([train, val, test]);
      expect([...split.train, ...split.val, ...split.test].sort()).toEqual(
        all.map(({ name }) => name).sort(),
      );
      if ('val' in counts) expect(split.val.every((name) => name.startsWith('val/'))).toBe(true);
    });

    it('trains on samples without a folder', () => {
      const all = [...samples(['a.png', 'b.png']), ...inFolders({ val: 1, test: 1 })];
      expect(splitSamples(all, 0).train).toEqual(['a.png', 'b.png']);
    });
  });
});

describe('images that come after a run', () => {
  const named = (count: number, prefix = 'a') =>
    Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
  const keptOf = (parts: SplitParts) =>
    new Map(
      (['train', 'val', 'test'] as const).flatMap((part) => parts[part].map((name) => [name, part] as const)),
    );

  it('leave the old ones where they are, and fill up validation and test', () => {
    const first = splitSamples(named(12), 0);
    const all = [...named(12), ...named(28, 'b')];
    const second = extendSplit(all, keptOf(first), 0);
    for (const part of ['train', 'val', 'test'] as const)
      expect(first[part].filter((name) => !second[part].includes(name))).toEqual([]);
    expect({
      train: second.train.length,
      val: second.val.length,
      test: second.test.length,
    }).toEqual(splitCounts(40));
    expect(extendSplit([...all].reverse(), keptOf(first), 0)).toEqual(second);
    // Without a kept image it is the usual split; images that are gone count for nothing.
    expect(extendSplit(all, new Map([['gone', 'test']]), 0)).toEqual(splitSamples(all, 0));
  });

  it('are learned from where nothing else is, and a folder that names a split wins', () => {
    const kept = new Map([['a0', 'test' as const]]);
    expect(extendSplit(named(2), kept, 0)).toEqual({ train: ['a1'], val: [], test: ['a0'] });
    const ofFolder = [{ name: 'a0', split: 'train' as const }, ...named(5, 'b')];
    expect(extendSplit(ofFolder, kept, 0).train).toContain('a0');
  });
});
