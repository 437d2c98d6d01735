import { expect, test } from 'vitest';
import { forecastText, greedySentence, points } from './worth-text.ts';

test('worth is said in IoU points, and none has a sign', () => {
  expect([0.0123, -0.004, 0.0004, -0.0004, 0].map(points)).toEqual(['1.2', '−0.4', '0.0', '0.0', '0.0']);
});

test('the greedy curve says how many modules are needed', () => {
  expect(greedySentence(6, 18)).toBe('6 of 18 modules give all of the gain, within its error.');
  expect(greedySentence(1, 18)).toBe('1 of 18 modules gives all of the gain, within its error.');
  expect(greedySentence(1, 1)).toBe('1 of 1 module gives all of the gain, within its error.');
  expect(greedySentence(0, 18)).toBe('Without any module it does as well.');
});

test('the time is said before anything is measured, and that it is not known', () => {
  const cost = { measurements: 64, images: 1 };
  expect(forecastText({ ...cost, seconds: 130 }).replaceAll('\u00a0', ' ')).toBe(
    'It takes about 2 min (about 64 measurements, 1 validation image).',
  );
  expect(forecastText({ ...cost, seconds: null })).toMatch(/^How long it takes shows once it has begun/);
});
