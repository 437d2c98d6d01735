import { expect, test } from 'vitest';
import { leastArea, scaleSentence, smallObjectsRemark, suggestScale } from './object-sizes.ts';

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

test('suggests crops in which the median object is 16 pixels wide, and whole images where it is already', () => {
  const of = (...areas: readonly number[]) =>
    suggestScale([{ ...large, objects: areas.map((area) => ({ area })) }], 256);
  // 20 pixels wide: 5 on a model that sees all 1,000.
  expect(of(400, 400, 400)).toEqual({ scale: 320, medianWidth: 20 });
  expect(of(9, 400, 90_000)).toEqual({ scale: 320, medianWidth: 20 });
  expect(of(9).scale).toBe(32);
  expect(of(90_000).scale).toBe('whole');
  expect(of().scale).toBe('whole');
  // Crops nearly as large as the image would show nothing more.
  expect(suggestScale([{ width: 300, height: 200, objects: [{ area: 324 }] }], 256).scale).toBe('whole');
  expect(scaleSentence(of(400), 256)).toMatch(/20 pixels wide; in crops of 320 .* sees it 16 pixels wide/);
  expect(scaleSentence(of(90_000), 256)).toBeNull();
});
