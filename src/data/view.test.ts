import { expect, test } from 'vitest';
import { copyView } from '../testing/copy-view.ts';
import { regionView, sizeOfView, turnedView } from './view.ts';

// 1 2 3
// 4 5 6
const data = [1, 2, 3, 4, 5, 6];
const whole = regionView([0, 0, 3, 2]);
const shown = (flipsX: boolean, flipsY: boolean, turns: number) =>
  copyView(data, 3, 1, turnedView(whole, flipsX, flipsY, turns)).join('');

test('a view is flipped first and then turned counter-clockwise', () => {
  expect(shown(false, false, 0)).toBe('123456');
  expect(shown(true, false, 0)).toBe('321654');
  expect(shown(false, true, 0)).toBe('456123');
  expect(shown(false, false, 1)).toBe('362514');
  expect(shown(false, false, 2)).toBe('654321');
  expect(shown(false, false, 3)).toBe('415263');
  expect(shown(true, false, 1)).toBe('142536');
  expect(sizeOfView(turnedView(whole, false, false, 1))).toEqual({ width: 2, height: 3 });
});

test('a view of a rectangle shows nothing else', () => {
  expect(copyView(data, 3, 1, regionView([1, 0, 3, 2]))).toEqual([2, 3, 5, 6]);
});
