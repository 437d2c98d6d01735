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
