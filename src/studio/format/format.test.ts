import { expect, test } from 'vitest';
import { bytes, compact } from './format.ts';

test('bytes', () => {
  expect([0, 1023, 1536, 134217728, 1.5 * 2 ** 30].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '128 MiB',
    '1.5 GiB',
  ]);
});

test('counts', () => {
  expect([640, 12800, 4058340].map(compact)).toEqual(['640', '12.8 k', '4.06 M']);
});
