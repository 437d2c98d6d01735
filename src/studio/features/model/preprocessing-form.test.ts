import { expect, test } from 'vitest';
import { SAM_PREPROCESSING } from '../../../config/sam.ts';
import { formOf, preprocessingOf } from './preprocessing-form.ts';

test.each([
  SAM_PREPROCESSING,
  { aspect: 'stretch', normalisation: { kind: 'min-max' } },
  { aspect: 'keep', normalisation: { kind: 'mean-std', mean: [0, 0.5, 1], std: [1, 0.5, 2], range: 1 } },
] as const)('a form of %j gives it back', (record) => {
  expect(preprocessingOf(formOf(record))).toEqual({ ok: true, value: record });
});

test('from minimum and maximum one goes back to the mean and deviation of SAM', () => {
  const form = formOf({ aspect: 'keep', normalisation: { kind: 'min-max' } });
  expect(preprocessingOf({ ...form, kind: 'mean-std' })).toEqual({ ok: true, value: SAM_PREPROCESSING });
});

test.each([
  { mean: '1, 2' },
  { mean: '1, 2, 3, 4' },
  { std: '1, x, 1' },
  { std: '' },
  { std: '1, 0, 1' },
  { mean: '1e999, 0, 0' },
])('%j is said to be wrong', (change) => {
  expect(preprocessingOf({ ...formOf(SAM_PREPROCESSING), ...change })).toMatchObject({ ok: false });
});
