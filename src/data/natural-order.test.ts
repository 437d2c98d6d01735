import { expect, it } from 'vitest';
import { compareNatural, sortedByName } from './natural-order.ts';

it.each([
  [
    ['img10', 'img9', 'img1'],
    ['img1', 'img9', 'img10'],
  ],
  [
    ['b', 'A', 'a'],
    ['A', 'a', 'b'],
  ],
  [
    ['x007', 'x7', 'x08'],
    ['x007', 'x7', 'x08'],
  ],
  [
    ['a1b10', 'a1b2', 'a'],
    ['a', 'a1b2', 'a1b10'],
  ],
  [
    ['hyta_B10.jpg', 'hyta_B2.jpg', 'hyta_B1.jpg'],
    ['hyta_B1.jpg', 'hyta_B2.jpg', 'hyta_B10.jpg'],
  ],
  [
    ['9'.repeat(40), `1${'0'.repeat(40)}`, '5'],
    ['5', '9'.repeat(40), `1${'0'.repeat(40)}`],
  ],
  [
    ['2/1', '10/1', '1/20'],
    ['1/20', '2/1', '10/1'],
  ],
])('%j', (names, expected) => {
  expect(sortedByName(names, (name) => name)).toEqual(expected);
  expect(sortedByName([...names].reverse(), (name) => name)).toEqual(expected);
});

it('is a total order', () => {
  const names = ['a', 'A', 'a0', 'a00', '', '0', '00', 'é', 'a1 ', 'a 1'];
  for (const a of names) {
    for (const b of names) {
      expect(Math.sign(compareNatural(a, b))).toBe(-Math.sign(compareNatural(b, a)) + 0);
      if (a !== b) expect(compareNatural(a, b)).not.toBe(0);
    }
  }
});
