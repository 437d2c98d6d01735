import { expect, test } from 'vitest';
import { plural, signed } from './words.ts';

test('counts', () => {
  expect([0, 1, 12345].map((n) => plural(n, 'image'))).toEqual(['0 images', '1 image', '12,345 images']);
  expect(plural(2, 'class', 'classes')).toBe('2 classes');
});

test('changes carry a sign, except none', () => {
  expect([0.12, -0.004, 0.0001, -0.0001].map((value) => signed(value))).toEqual([
    '+0.120',
    '−0.004',
    '0.000',
    '0.000',
  ]);
});
