import { expect, test } from 'vitest';
import { IGNORED } from './objects.ts';
import { reduceSample } from './reduce.ts';
import type { LabelMap } from './types.ts';

function sampleOf(labelMap: LabelMap, rule: 'components' | 'ids' = 'components') {
  const { width, height } = labelMap;
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
  const labelling = {
    source: 'masks',
    kind: 'binary',
    rule,
    labelMap,
    classMap: labelMap,
    classKind: 'binary',
  } as const;
  return { name: 'a', image: { width, height, channels: 3, data } as const, labelling };
}

const mapOf = (rows: readonly (readonly number[])[]): LabelMap => ({
  width: rows[0]?.length ?? 0,
  height: rows.length,
  data: Int32Array.from(rows.flat()),
});

test('a pixel is the mean of its block, rounded, and what no block covers is left out', () => {
  const sample = sampleOf(mapOf(Array.from({ length: 7 }, () => [0, 0, 0, 0, 0, 0, 0, 0])));
  const { image } = reduceSample(sample, 3);
  expect([image.width, image.height]).toEqual([2, 2]);
  for (const [x, y, c] of [
    [0, 0, 0],
    [1, 0, 2],
    [0, 1, 1],
    [1, 1, 0],
  ] as const) {
    let sum = 0;
    for (let dy = 0; dy < 3; dy++)
      for (let dx = 0; dx < 3; dx++) sum += sample.image.data[((3 * y + dy) * 8 + 3 * x + dx) * 3 + c] ?? 0;
    expect(image.data[(y * 2 + x) * 3 + c]).toBe(Math.floor(sum / 9 + 0.5));
  }
});

test('objects that a gap of a pixel divides stay two, and ignored pixels ignored', () => {
  const row = [1, 1, 0, 1, 1, 1, IGNORED, IGNORED];
  const { labelling } = reduceSample(sampleOf(mapOf([row, row, row, row])), 2);
  expect(labelling?.rule).toBe('ids');
  // The middles are the columns 1, 3, 5 and 7.
  expect([...(labelling?.labelMap.data ?? [])]).toEqual([2, 1, 1, IGNORED, 2, 1, 1, IGNORED]);
  expect([...(labelling?.classMap.data ?? [])]).toEqual([1, 1, 1, IGNORED, 1, 1, 1, IGNORED]);
});

test('an image that is not larger than needed stays as it is', () => {
  const sample = sampleOf(mapOf([[0, 1]]));
  expect(reduceSample(sample, 1)).toBe(sample);
});
