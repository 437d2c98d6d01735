import { expect, test } from 'vitest';
import { type MaskObject, maskObject, runsInBox } from '../../data/mask-runs.ts';
import { type FindComparison, findQuality } from './quality.ts';

const WIDTH = 100;

/** A rectangle as an object of an image of 100 × 100. */
function rectangle(x0: number, y0: number, x1: number, y1: number): MaskObject {
  const box = [x0, y0, x1, y1] as const;
  const runs = runsInBox(new Uint8Array((x1 - x0) * (y1 - y0)).fill(1), box, {
    width: WIDTH,
    height: WIDTH,
  });
  return maskObject(runs, WIDTH);
}

const scored = (object: MaskObject, score: number) => ({ ...object, score });
const image = (
  truth: MaskObject[],
  found: (MaskObject & { score: number })[],
  ignored: MaskObject | null = null,
): FindComparison => ({ truth, found, ignored });

test('what is found exactly has an average precision of 1', () => {
  const objects = [rectangle(0, 0, 10, 10), rectangle(20, 0, 40, 10)];
  const quality = findQuality([
    image(
      objects,
      objects.map((object) => scored(object, 0.9)),
    ),
  ]);
  expect(quality).toEqual({ ap50: 1, ap: 1, objects: 2, found: 2, missed: 0, split: 0, merged: 0 });
});

test('an IoU of .7 counts at five of ten thresholds, a wrong object of a higher score halves the precision', () => {
  const truth = [rectangle(0, 0, 10, 10)];
  // Exactly 70 of 100 pixels: at .5, .55, .6, .65 and .7.
  const good = scored(rectangle(0, 0, 7, 10), 0.8);
  expect(findQuality([image(truth, [good])])).toMatchObject({ ap50: 1, ap: 0.5, missed: 0 });
  const wrong = scored(rectangle(50, 50, 60, 60), 0.9);
  expect(findQuality([image(truth, [good, wrong])])).toMatchObject({ ap50: 0.5, ap: 0.25, found: 2 });
  // Behind the right one it costs nothing.
  expect(findQuality([image(truth, [good, { ...wrong, score: 0.1 }])])).toMatchObject({ ap50: 1 });
});

test('scores are ordered over all images, and precision is interpolated at 101 recalls', () => {
  const object = rectangle(0, 0, 10, 10);
  const elsewhere = rectangle(50, 50, 60, 60);
  const quality = findQuality([
    image([object], [scored(object, 0.9), scored(elsewhere, 0.8)]),
    image([object], [scored(object, 0.7)]),
    image([object], []),
  ]);
  // Right, wrong, right of three: precision 1 up to recall 1/3 (34 places), 2/3 up to 2/3 (33), then 0.
  expect(quality.ap50).toBeCloseTo((34 + 33 * (2 / 3)) / 101, 12);
  expect(quality).toMatchObject({ objects: 3, found: 3, missed: 1, split: 0, merged: 0 });
});

test('an object is taken once: by the better scored, not by the better fitting', () => {
  const truth = [rectangle(0, 0, 10, 10)];
  const quality = findQuality([
    image(truth, [scored(rectangle(0, 0, 10, 10), 0.5), scored(rectangle(0, 0, 6, 10), 0.9)]),
  ]);
  expect(quality.ap50).toBe(1);
  expect(quality.missed).toBe(0);
  // At IoU .65 the first one misses, and the second comes after it.
  expect(quality.ap).toBeCloseTo((3 + 7 * 0.5) / 10, 12);
});

test('missed objects are told apart: split, merged, or neither', () => {
  const long = rectangle(0, 0, 40, 10);
  const [left, right] = [rectangle(0, 20, 10, 30), rectangle(12, 20, 22, 30)];
  const alone = rectangle(80, 80, 90, 90);
  const quality = findQuality([
    image(
      [long, left, right, alone],
      [
        scored(rectangle(0, 0, 13, 10), 0.9),
        scored(rectangle(14, 0, 27, 10), 0.9),
        scored(rectangle(28, 0, 40, 10), 0.9),
        scored(rectangle(0, 20, 22, 30), 0.9),
      ],
    ),
  ]);
  expect(quality).toMatchObject({ objects: 4, found: 4, missed: 4, split: 1, merged: 2 });
});

test('what is found in ignored pixels counts for nothing; without objects there is no precision', () => {
  const object = rectangle(0, 0, 10, 10);
  const doubtful = rectangle(50, 50, 80, 80);
  const found = [scored(rectangle(50, 50, 60, 60), 0.99), scored(object, 0.5)];
  expect(findQuality([image([object], found, doubtful)])).toMatchObject({ ap50: 1, ap: 1, found: 1 });
  expect(findQuality([image([], found)])).toMatchObject({
    ap50: null,
    ap: null,
    objects: 0,
    missed: 0,
    found: 2,
  });
});
