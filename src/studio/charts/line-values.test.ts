import { expect, test } from 'vitest';
import { isDot, lastValue } from './line-values.ts';

test('a line that ends before others has its own last value, and one value alone is a dot', () => {
  const data = [
    { step: 0, short: 0.4, long: 0.4, once: 0.3 },
    { step: 20, short: 0.5 },
    { step: 60, long: 0.6 },
  ];
  const keys = ['short', 'long', 'once', 'none'];
  expect(keys.map((key) => lastValue(data, key))).toEqual([0.5, 0.6, 0.3, null]);
  expect(keys.map((key) => isDot(data, key))).toEqual([false, false, true, false]);
});
