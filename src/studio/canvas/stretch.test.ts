import { expect, test } from 'vitest';
import { rangeOf, stretchFilter } from './stretch.ts';

/** Grey pixels. */
const greys = (values: readonly number[]) =>
  Uint8ClampedArray.from(values.flatMap((value) => [value, value, value, 255]));

/** What a browser shows of a value, 0 to 255, by the definitions of the two filters. */
function shown(filter: string, value: number): number {
  const [, brightness = 1, contrast = 1] =
    /^brightness\((.*)\) contrast\((.*)\)$/.exec(filter)?.map(Number) ?? [];
  const clamp = (x: number): number => Math.max(0, Math.min(1, x));
  return 255 * clamp(contrast * clamp((brightness * value) / 255) + (1 - contrast) / 2);
}

test.each([
  [10, 60],
  [0, 40],
  [120, 200],
  [200, 255],
])('values from %i to %i are shown from black to white, in proportion', (low, high) => {
  const filter = stretchFilter({ low, high });
  expect(shown(filter, low)).toBeCloseTo(0, 0);
  expect(shown(filter, (low + high) / 2)).toBeCloseTo(127.5, 0);
  expect(shown(filter, high)).toBeCloseTo(255, 0);
  expect(shown(filter, low - 5)).toBe(0);
});

test('an image that has all values, or only one, is shown as it is', () => {
  expect(stretchFilter({ low: 0, high: 255 })).toBe('none');
  expect(stretchFilter({ low: 7, high: 7 })).toBe('none');
});

test('a few bright and dark pixels do not decide, and the brightest colour does', () => {
  const most = Array.from({ length: 1000 }, (_, i) => 20 + (i % 31));
  expect(rangeOf(greys([...most, 255, 0]))).toEqual({ low: 20, high: 50 });
  const red = Uint8ClampedArray.from(Array.from({ length: 100 }, (_, i) => [i, 3, 3, 255]).flat());
  expect(rangeOf(red)).toEqual({ low: 0, high: 99 });
});
