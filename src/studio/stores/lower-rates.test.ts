import { expect, test } from 'vitest';
import { fieldInfos } from '../../config/field.ts';
import { TRAIN_FIELDS } from '../../config/train.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { linkEngine } from './engine-link.ts';
import { hasDiverged, lowerRates } from './lower-rates.ts';
import { trainLower, useRuns } from './runs.ts';

const form = { trainFields: fieldInfos('train', TRAIN_FIELDS) };
const failure = { code: 'train/not-finite', what: 'The loss is not a number.', cure: 'Lower the rates.' };

test('rates that were raised go back to their defaults, and the others stay', () => {
  expect(lowerRates({ 'train.lrPeft': 1, 'train.lrDecoder': 1e-4 }, form)).toEqual([
    { id: 'train.lrPeft', label: 'Learning rate of the methods', before: 1, now: 2e-3 },
  ]);
});

test('where no rate was raised, all go to a third', () => {
  const rates = lowerRates({ 'train.lrPeft': 2e-3, 'train.lrDecoder': 3e-5 }, form);
  expect(rates.map(({ id, now }) => [id, now])).toEqual([
    ['train.lrPeft', 7e-4],
    ['train.lrGate', 3e-4],
    ['train.lrDecoder', 1e-5],
  ]);
});

test('a run whose loss left all numbers is trained again with them, and everything else as it was', async () => {
  linkEngine(fakeEngine());
  const run = { ...fakeRun('failed', 2), failure };
  expect([hasDiverged(run), hasDiverged({ ...run, failure: null })]).toEqual([true, false]);
  const settings = { ...run.settings, values: { ...run.settings.values, 'train.lrPeft': 1 } };
  await trainLower({ ...run, settings }, lowerRates(settings.values, form));
  const started = useRuns.getState().runs.find(({ name }) => name === 'MoPEFT 2, 2nd time');
  expect(started?.settings).toEqual({
    ...settings,
    name: 'MoPEFT 2, 2nd time',
    values: { ...settings.values, 'train.lrPeft': 2e-3 },
  });
});
