import { describe, expect, it, vi } from 'vitest';
import type { MopeftConfig } from '../config/mopeft.ts';
import { datasetsOf, namedDataset, nearestDataset, writeFeature } from './asked-dataset.ts';

const mopeft: MopeftConfig = {
  methods: {},
  gate: 'none',
  blocks: [],
  trainDecoder: true,
  token: true,
  datasets: ['inner', 'whole'],
};
const features = [Float32Array.of(1, 0.5), Float32Array.of(-0.25, 1)].map(writeFeature);

describe('the dataset that is asked for', () => {
  it('is found by its name, and an unknown name fails with those that there are', () => {
    expect(namedDataset({ mopeft }, 'whole')).toEqual({ index: 1, name: 'whole', by: 'name' });
    expect(() => namedDataset({ mopeft }, 'outer')).toThrow(/on inner, whole/);
    const { datasets: _, token: __, ...blind } = mopeft;
    expect(datasetsOf({ mopeft: blind })).toEqual([]);
    expect(() => namedDataset({ mopeft: blind }, 'inner')).toThrow(/no datasets apart/);
  });

  it('is the one whose images are most alike, whatever their size', async () => {
    const found = (feature: Float32Array) =>
      nearestDataset({ mopeft, training: { features } }, async () => feature);
    expect(await found(Float32Array.of(10, 4))).toEqual({ index: 0, name: 'inner', by: 'features' });
    expect(await found(Float32Array.of(0, 0.1))).toEqual({ index: 1, name: 'whole', by: 'features' });
  });

  it.each([
    {},
    { features: features.slice(1) },
    { features: 'x' },
    { features: ['1 2', '1 x'] },
    { features: ['1', '1 2'] },
  ])('is the first where the record has no features of them: %j', async (training) => {
    const look = vi.fn();
    expect(await nearestDataset({ mopeft, training }, look)).toEqual({
      index: 0,
      name: 'inner',
      by: 'default',
    });
    expect(look).not.toHaveBeenCalled();
  });

  it('is none where fewer than two are told apart', async () => {
    expect(await nearestDataset({ mopeft: { ...mopeft, datasets: ['inner'] } }, vi.fn())).toBe(null);
  });
});
