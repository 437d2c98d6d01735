import { expect, test } from 'vitest';
import { leastArea, smallObjectsRemark } from './object-sizes.ts';

const large = { width: 1000, height: 800 };

test('the limit is counted in pixels of the model, the share in pixels of the image', () => {
  // 800 · 256 / 1000 is 204.8 and becomes 205.
  const pixels = 16 / ((256 / 1000) * (205 / 800));
  const keep = { size: 256, aspect: 'keep' } as const;
  expect(leastArea({ minSize: 4, minArea: 0 }, large, keep)).toBe(pixels);
  expect(leastArea({ minSize: 4, minArea: 0.002 }, large, keep)).toBe(1600);
  expect(leastArea({ minSize: 0, minArea: 0 }, large, keep)).toBe(0);
  expect(leastArea({ minSize: 4, minArea: 0 }, large, { size: 1024, aspect: 'stretch' })).toBeCloseTo(
    16 / (1.024 * 1.28),
  );
});

test('says how many objects are too small, and nothing where none is', () => {
  const remark = (...areas: readonly number[]) =>
    smallObjectsRemark([{ ...large, objects: areas.map((area) => ({ area })) }], 256, 4)?.what;
  expect(remark(9, 9, 9)).toMatch(/^All 3 objects are under 4 pixels wide on a model of 256 pixels/);
  expect(remark(5000, 9, 9)).toMatch(/^2 of 3 objects are /);
  expect(remark(9)).toMatch(/^The only object is /);
  expect(remark(5000, 244)).toBeUndefined();
  expect(remark()).toBeUndefined();
});
