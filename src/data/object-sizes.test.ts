import { expect, test } from 'vitest';
import {
  closerSentence,
  leastArea,
  ObjectSizeCounts,
  scaleSentence,
  smallObjectsRemark,
  suggestScale,
} from './object-sizes.ts';
import type { Scale } from './types.ts';

const large = { width: 1000, height: 800 };
const keep = { size: 256, aspect: 'keep' } as const;

function sizesOf(areas: readonly number[], image = large) {
  const counts = new ObjectSizeCounts();
  counts.add(image, areas);
  return counts.sizes;
}

test('the limit is counted in pixels of the model, the share in pixels of the image', () => {
  // 800 · 256 / 1000 is 204.8 and becomes 205.
  const pixels = 16 / ((256 / 1000) * (205 / 800));
  expect(leastArea({ minSize: 4, minArea: 0 }, large, keep)).toBe(pixels);
  expect(leastArea({ minSize: 4, minArea: 0.002 }, large, keep)).toBe(1600);
  expect(leastArea({ minSize: 0, minArea: 0 }, large, keep)).toBe(0);
  expect(leastArea({ minSize: 4, minArea: 0 }, large, { size: 1024, aspect: 'stretch' })).toBeCloseTo(
    16 / (1.024 * 1.28),
  );
});

test('objects are counted by area and by the size of their image', () => {
  const counts = new ObjectSizeCounts();
  counts.add(large, [40, 9]);
  counts.add({ width: 30, height: 20 }, []);
  counts.add(large, [9]);
  expect(counts.sizes).toEqual([
    {
      ...large,
      areas: [
        [9, 2],
        [40, 1],
      ],
    },
    { width: 30, height: 20, areas: [] },
  ]);
});

test('says how many objects are too small, and nothing where none is', () => {
  const remark = (...areas: readonly number[]) => smallObjectsRemark(sizesOf(areas), 'whole', keep, 4)?.what;
  expect(remark(9, 9, 9)).toMatch(
    /^All 3 objects are under 4 pixels wide on a model of 256 pixels that sees/,
  );
  expect(remark(5000, 9, 9)).toMatch(/^2 of 3 objects are /);
  expect(remark(9)).toMatch(/^The only object is /);
  expect(remark(5000, 244)).toBeUndefined();
  expect(remark()).toBeUndefined();
});

test('what is too small depends on the model and on the scale', () => {
  const at = (scale: Scale, size: number) =>
    smallObjectsRemark(sizesOf([9, 100, 100]), scale, { size, aspect: 'keep' }, 4);
  expect(at('whole', 256)?.what).toMatch(/^All 3 objects are .*whole images/);
  expect(at('whole', 256)?.cure).toMatch(/crops of 64 pixels \(.*--scale 64 on/);
  expect(at('whole', 1024)?.what).toMatch(/^1 of 3 objects is .*on a model of 1024 pixels/);
  expect(at(320, 256)?.what).toMatch(/^1 of 3 objects is .*crops of 320 pixels/);
  expect(at(160, 256)).toBeNull();
  // No smaller crops are worth it.
  expect(smallObjectsRemark(sizesOf([1]), 32, keep, 16)?.cure).not.toMatch(/--scale/);
});

test('suggests crops in which the median object is 32 pixels wide, and whole images where it is 24 already', () => {
  const of = (...areas: readonly number[]) => suggestScale(sizesOf(areas), 256);
  // 20 pixels wide: 5 on a model that sees all 1,000.
  expect(of(400, 400, 400)).toBe(160);
  expect(of(399, 400, 401)).toBe(160);
  expect(suggestScale(sizesOf([400]), 1024)).toBe(640);
  expect(suggestScale(sizesOf([24 * 24]), 1000)).toBe('whole');
  expect(suggestScale(sizesOf([23 * 23]), 1000)).toBe(704);
  expect(of(9)).toBe(32);
  expect(of(90_000)).toBe('whole');
  expect(of()).toBe('whole');
  // Crops nearly as large as the image would show nothing more.
  expect(suggestScale(sizesOf([1], { width: 36, height: 30 }), 256)).toBe('whole');
});

test('leaves of 40 pixels in images of 512, which a model of 256 sees 20 wide, are seen in crops', () => {
  const leaves = sizesOf([1600], { width: 512, height: 384 });
  expect(suggestScale(leaves, 256)).toBe(320);
  expect(closerSentence(leaves, 'whole', 256)).toBe(
    'In crops of 320 pixels it would be 32 pixels, which mostly gives better masks.',
  );
  // What is chosen is as good, or nearly.
  for (const scale of [128, 320, 384]) expect(closerSentence(leaves, scale, 256)).toBeNull();
  expect(closerSentence(sizesOf([90_000]), 'whole', 256)).toBeNull();
  expect(closerSentence(sizesOf([]), 'whole', 256)).toBeNull();
});

test('specks, however many, say nothing of how large the objects of a dataset are', () => {
  const specks = Array.from({ length: 50 }, () => 2);
  const plants = sizesOf([...specks, 1500, 1600, 9000], { width: 512, height: 384 });
  expect(suggestScale(plants, 256)).toBe(320);
  expect(scaleSentence(plants, 'whole', 256)).toMatch(
    /the median object without specks is 20 pixels wide\.$/,
  );
  // Many small cells beside a few clumps hold most of what is labelled, and are no specks.
  const cells = Array.from({ length: 50 }, () => 100);
  expect(suggestScale(sizesOf([...cells, 5000]), 256)).toBe(64);
});

test('says how wide objects are where the model sees them', () => {
  const said = (area: number, scale: Scale) => scaleSentence(sizesOf([area]), scale, 256);
  expect(said(400, 160)).toBe(
    'Where a model of 256 pixels sees whole images, the median object is 5.1 pixels wide; in crops of 160 pixels it is 32 pixels.',
  );
  expect(said(90_000, 'whole')).toMatch(/the median object is 77 pixels wide\.$/);
  expect(scaleSentence(sizesOf([]), 320, 256)).toBeNull();
});
