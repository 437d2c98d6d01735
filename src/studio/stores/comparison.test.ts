import { expect, test } from 'vitest';
import { CAPABILITIES } from '../testing/samples.ts';
import { comparedRuns } from './comparison.ts';
import { settingsOf } from './setup.ts';

const form = {
  name: '',
  goal: 'either' as const,
  datasetIds: ['a'],
  methods: null,
  trainDecoder: true,
  gate: null,
  presetId: null,
  changed: {},
};

test('a comparison changes the methods or the seed and nothing else', () => {
  const settings = settingsOf({ ...form, changed: { 'train.seed': 4, 'lora.rank': 3 } }, CAPABILITIES);
  const methods = comparedRuns('methods', settings, CAPABILITIES);
  expect(methods.map(({ name, gate }) => [name, gate])).toEqual([
    ['MoPEFT', 'unipelt'],
    ['LoRA', 'none'],
    ['Prefix', 'none'],
    ['Adapter', 'none'],
  ]);
  expect(methods[1]?.values).toEqual({ ...methods[2]?.values, 'lora.rank': 3, 'prefix.count': undefined });
  const seeds = comparedRuns('seeds', settings, CAPABILITIES);
  expect(seeds.map(({ name, values }) => [name, values['train.seed']])).toEqual([
    ['MoPEFT, seed 4', 4],
    ['MoPEFT, seed 5', 5],
    ['MoPEFT, seed 6', 6],
  ]);
});
