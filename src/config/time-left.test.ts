import { expect, test } from 'vitest';
import { TimeLeft } from './time-left.ts';

test('the time left follows from the speed of the piece of work at hand', () => {
  const left = new TimeLeft();
  const at = (done: number, now: number, label = 'Checking') => left.of({ done, total: 100, label }, now);
  expect(at(0, 0)).toBeNull();
  expect(at(10, 1000)).toBeNull();
  expect(at(20, 4000)).toBeCloseTo(16);
  expect(at(100, 20_000)).toBe(0);
  expect(at(1, 20_100, 'Storing')).toBeNull();
  expect(at(51, 25_100, 'Storing')).toBeCloseTo(4.9);
  expect(at(0, 30_000, 'Storing')).toBeNull();
  expect(at(10, 40_000, 'Storing')).toBeCloseTo(90);
  expect(left.of({ done: 5, total: 0, label: 'Reading' }, 50_000)).toBeNull();
});
