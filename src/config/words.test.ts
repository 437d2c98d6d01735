import { expect, test } from 'vitest';
import { duration, minutes, plural, signed } from './words.ts';

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

/** Times as they are read: what holds them on one line is a blank too. */
const read = (text: string): string => text.replaceAll('\u00a0', ' ');

test('durations never show sixty of a unit, nor none of one', () => {
  const times = [0.04, 0.9999, 3.21, 59.99, 245, 3601, 3665, 7800];
  expect(times.map((seconds) => read(duration(seconds)))).toEqual([
    ...['40 ms', '1.0 s', '3.2 s', '1 min', '4 min 5 s', '1 h', '1 h 1 min', '2 h 10 min'],
  ]);
  expect(duration(Number.POSITIVE_INFINITY)).toBe('unknown');
});

test('estimated times are rough, those of hours to five minutes', () => {
  const times = [0.2, 12, 30, 50, 90, 3560, 3580, 3665, 3780, 7800];
  expect(times.map((seconds) => read(minutes(seconds)))).toEqual([
    ...['1 s', '12 s', 'half a minute', '1 min', '2 min', '59 min', '1 h', '1 h', '1 h 5 min', '2 h 10 min'],
  ]);
});

test('a time stays on one line', () => {
  for (const seconds of [0.04, 3, 30, 245, 3780])
    expect(`${duration(seconds)}${minutes(seconds)}`).not.toContain(' ');
});
