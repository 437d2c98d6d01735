import { expect, test } from 'vitest';
import type { TrainSettings } from '../../worker/protocol.ts';
import { CAPABILITIES } from '../testing/samples.ts';
import { comparedRuns, variedChoices } from './comparison.ts';
import { settingsOf } from './setup.ts';

const form = {
  name: '',
  goal: 'either' as const,
  datasetIds: ['a'],
  methods: null,
  trainDecoder: true,
  gate: null,
  presetId: null,
  scale: null,
  changed: {},
};
const settings = settingsOf({ ...form, changed: { 'train.seed': 4, 'lora.rank': 3 } }, CAPABILITIES);

function runs(id: string, written = ''): readonly TrainSettings[] {
  const made = comparedRuns({ id, written }, settings, CAPABILITIES);
  if (typeof made === 'string') throw new Error(made);
  return made;
}
const problem = (id: string, written: string) => comparedRuns({ id, written }, settings, CAPABILITIES);

test('a comparison changes the methods or the seed, and nothing else', () => {
  const methods = runs('methods');
  expect(methods.map(({ name, gate }) => [name, gate])).toEqual([
    ['MoPEFT', 'unipelt'],
    ['LoRA', 'none'],
    ['Prefix', 'none'],
    ['Adapter', 'none'],
  ]);
  expect(methods[1]?.values).toEqual({ ...methods[2]?.values, 'lora.rank': 3, 'prefix.count': undefined });
  expect(runs('train.seed', '4, 5, 6').map(({ name, values }) => [name, values['train.seed']])).toEqual([
    ['MoPEFT, seed 4', 4],
    ['MoPEFT, seed 5', 5],
    ['MoPEFT, seed 6', 6],
  ]);
});

test('the values of a number are as they were written, each once; all else stays', () => {
  const made = runs('train.steps', ' 40,60, 40 ');
  expect(made.map(({ values }) => values['train.steps'])).toEqual([40, 60]);
  expect(made.map(({ name }) => name)).toEqual(['MoPEFT, steps 40', 'MoPEFT, steps 60']);
  expect(made[0]).toEqual({
    ...settings,
    name: 'MoPEFT, steps 40',
    values: { ...settings.values, 'train.steps': 40 },
  });
});

test('a choice tries all its options, the gates all their forms, the scale what was written', () => {
  expect(runs('peft.blocks').map(({ values }) => values['peft.blocks'])).toEqual(['all', 'late']);
  expect(runs('gates').map(({ gate }) => gate)).toEqual(['unipelt', 'mass', 'none']);
  expect(runs('scale', 'whole, 256').map(({ scale }) => scale)).toEqual(['whole', 256]);
});

test('what cannot be compared is said', () => {
  expect(problem('train.steps', '40')).toContain('at least two');
  expect(problem('train.steps', '40, many')).toBe('Enter a number.');
  expect(problem('train.steps', '40, 0')).toBe('Enter a number from 1 to 20000.');
  expect(problem('train.steps', '1,2,3,4,5,6,7,8,9,10,11,12,13')).toContain('at most 12');
  expect(problem('scale', 'whole, -4')).toContain('whole, 512');
  expect(problem('gone', '')).toContain('Choose');
});

test('what is suggested can be compared as it stands', () => {
  for (const { id, suggested } of variedChoices(settings, CAPABILITIES)) {
    const made = comparedRuns({ id, written: suggested ?? '' }, settings, CAPABILITIES);
    expect(made, id).toBeInstanceOf(Array);
  }
  const suggested = new Map(variedChoices(settings, CAPABILITIES).map((each) => [each.id, each.suggested]));
  expect(suggested.get('train.seed')).toBe('4, 5, 6');
  expect(suggested.get('train.steps')).toBe('30, 60, 120');
});
