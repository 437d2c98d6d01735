import { expect, test } from 'vitest';
import { scaleOptions } from './ScaleField.tsx';

const values = (...given: Parameters<typeof scaleOptions>) =>
  scaleOptions(...given).map(({ value }) => value);

test('crops smaller than the images are offered, with the one in use and the suggested one', () => {
  expect(values({ chosen: 'whole', suggested: 'whole', longestSide: 300 })).toEqual(['whole', '128', '256']);
  expect(values({ chosen: 700, suggested: 320, longestSide: 600 })).toEqual([
    'whole',
    '128',
    '256',
    '320',
    '512',
    '700',
  ]);
  expect(scaleOptions({ chosen: 256, suggested: 256, longestSide: 600 })[2]?.label).toBe(
    'crops of 256 pixels (suggested)',
  );
});

test('where nothing is known of the images, all are offered', () => {
  expect(values({ chosen: 'whole', suggested: null, longestSide: null })).toHaveLength(6);
});
