import { expect, test } from 'vitest';
import { fakeRun } from '../../testing/fake-runs.ts';
import { CAPABILITIES } from '../../testing/samples.ts';
import { settingRows } from './setting-rows.ts';

const run = fakeRun('finished', 1);
const values = { 'train.steps': 200, 'lora.rank': 8, 'peft.blocks': 'late', 'gone.field': true };

test('settings of a run are shown with the labels of the form', () => {
  const rows = new Map(settingRows({ ...run, settings: { ...run.settings, values } }, CAPABILITIES));
  expect(rows.get('Methods')).toBe('LoRA, Prefix, Adapter');
  expect(rows.get('Gates')).toBe('UniPELT');
  expect(rows.get('Steps')).toBe('200');
  expect(rows.get('LoRA: Rank')).toBe('8');
  expect(rows.get('Blocks')).toBe('Last half');
});

test('the datasets are named that a run can be asked for, where it tells them apart', () => {
  const of = (more: object) => {
    const settings = { ...run.settings, values, ...more };
    return new Map(settingRows({ ...run, settings }, CAPABILITIES)).get('Asked for as');
  };
  expect(of({})).toBeUndefined();
  expect(of({ values: { 'train.token': true } })).toBe(run.datasets.map(({ name }) => name).join(', '));
});

test('what the engine no longer knows is shown by its id', () => {
  const settings = { ...run.settings, methods: ['old'], gate: 'gone', values };
  const rows = new Map(settingRows({ ...run, settings }, CAPABILITIES));
  expect(rows.get('Methods')).toBe('old');
  expect(rows.get('Gates')).toBe('gone');
  expect(rows.get('gone.field')).toBe('true');
});
