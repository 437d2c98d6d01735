import { expect, test } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import { maskObject, runsInBox } from '../../data/mask-runs.ts';
import type { Box } from '../../data/types.ts';
import { type Proposal, selectObjects } from './select.ts';
import { chosenThresholds, countFound, loosened } from './thresholds.ts';

const image = { width: 100, height: 100 };
const square = (x: number, y: number, side: number) => {
  const box: Box = [x, y, x + side, y + side];
  return maskObject(runsInBox(new Uint8Array(side * side).fill(1), box, image), image.width);
};
const proposal = (x: number, y: number, side: number, predictedIou: number, stability: number): Proposal => ({
  ...square(x, y, side),
  predictedIou,
  stability,
  point: [x, y],
  crop: 0,
  cropArea: 10_000,
});
const { pointsPerSide: _, cropLayers: __, ...thresholds } = parseFindSettings({ maxArea: 0.5 });

test('loosened thresholds leave what missed by the least, and are moved no further', () => {
  const proposals = [
    proposal(0, 0, 10, 0.613, 0.97),
    proposal(20, 0, 10, 0.7, 0.84),
    proposal(40, 0, 10, 0.9, 0.801),
    proposal(60, 0, 10, 0.3, 0.3),
    // The background, which is too large.
    proposal(0, 0, 100, 0.99, 0.99),
  ];
  const loose = loosened(proposals, image, thresholds);
  expect(loose).toEqual({ ...thresholds, iou: 0.61, stability: 0.8 });
  expect(loose && selectObjects(proposals, image, loose)).toHaveLength(3);
  expect(loosened([], image, thresholds)).toBeNull();
});

test('duplicates do not count, and sizes give way where nothing else is there', () => {
  const same = Array.from({ length: 4 }, () => proposal(0, 0, 10, 0.8, 0.9));
  const proposals = [...same, proposal(30, 0, 10, 0.5, 0.9), proposal(60, 0, 10, 0.4, 0.9)];
  expect(loosened(proposals, image, thresholds)).toMatchObject({ iou: 0.39, stability: 0.89 });
  const large = [proposal(0, 0, 90, 0.95, 0.97)];
  const loose = loosened(large, image, thresholds);
  expect(loose).toEqual({ ...thresholds, maxArea: 0.81 });
  expect(loose && selectObjects(large, image, loose)).toHaveLength(1);
});

test('thresholds are those by which most known objects are found with the fewest others', async () => {
  const truth = [square(0, 0, 10), square(20, 0, 10), square(40, 0, 12)];
  const proposals = [
    proposal(0, 0, 10, 0.7, 0.8),
    proposal(20, 1, 10, 0.66, 0.75),
    proposal(40, 0, 11, 0.8, 0.9),
    // Wrong: unsure, unstable, the background, a speck, and one in ignored pixels, which does not count.
    proposal(60, 60, 10, 0.6, 0.9),
    proposal(80, 60, 10, 0.9, 0.6),
    proposal(0, 0, 100, 0.99, 0.99),
    proposal(90, 90, 2, 0.99, 0.99),
    proposal(70, 20, 10, 0.9, 0.9),
  ];
  const known = { ...image, proposals, truth, ignored: square(68, 18, 20) };
  expect(countFound([known], thresholds)).toEqual({ objects: 3, found: 1, right: 0 });
  const chosen = await chosenThresholds([known], thresholds);
  expect(chosen?.counts).toEqual({ objects: 3, found: 3, right: 3 });
  // The strictest that find them all; sizes with a margin of four.
  expect(chosen?.thresholds).toEqual({
    ...thresholds,
    iou: 0.65,
    stability: 0.7,
    minArea: 25,
    maxArea: 0.06,
  });
  expect(chosen && countFound([known], chosen.thresholds)).toEqual(chosen?.counts);
  expect(await chosenThresholds([{ ...known, truth: [] }], thresholds)).toBeNull();
});

test('thresholds of likeness are tried with the least that the model must think, and masks within each other too', async () => {
  const truth = [square(0, 0, 10), square(20, 0, 10)];
  const alike = (x: number, side: number, predictedIou: number, likeness: number): Proposal => ({
    ...proposal(x, 0, side, predictedIou, 0.4),
    likeness,
  });
  // A part of an object, which the model prefers to the object; something else that it is sure of.
  const proposals = [
    alike(0, 10, 0.3, 0.7),
    alike(0, 6, 0.9, 0.5),
    alike(20, 10, 0.3, 0.6),
    alike(60, 10, 0.95, 0.1),
  ];
  const known = { ...image, proposals, truth, ignored: null };
  const least = { iou: 0.2, stability: 0.2 };
  const chosen = await chosenThresholds([known], thresholds, least);
  expect(chosen).toMatchObject({
    thresholds: { ...least, likeness: 0.6, nesting: 1 },
    counts: { objects: 2, found: 2, right: 2 },
  });
  // Where the part is as likely as the other object, it is left out for what it lies in.
  const nested = { ...known, proposals: proposals.with(1, alike(0, 6, 0.9, 0.65)) };
  expect(await chosenThresholds([nested], thresholds, least)).toMatchObject({
    thresholds: { likeness: 0.6, nesting: 0.7 },
    counts: { objects: 2, found: 2, right: 2 },
  });
  // What is set stays where nothing is better, and else gives way, as where objects within objects are known.
  const strict = await chosenThresholds([nested], { ...thresholds, nesting: 0.5 }, least);
  expect(strict?.thresholds.nesting).toBe(0.5);
  const within = { ...known, truth: [...truth, square(0, 0, 6)] };
  const loose = await chosenThresholds([within], { ...thresholds, nesting: 0.5 }, least);
  expect(loose).toMatchObject({ thresholds: { likeness: 0.5, nesting: 1 }, counts: { found: 3, right: 3 } });
});

test('a likeness that nothing has is loosened too', () => {
  const proposals = [0.31, 0.2, 0.1].map((likeness, i) => ({
    ...proposal(20 * i, 0, 10, 0.9, 0.97),
    likeness,
  }));
  expect(loosened(proposals, image, { ...thresholds, likeness: 0.5 })).toEqual({
    ...thresholds,
    likeness: 0.09,
  });
});
