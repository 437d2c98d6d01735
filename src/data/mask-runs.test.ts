import { expect, test } from 'vitest';
import { Random } from '../config/random.ts';
import { runsOfBitmap, sharedPixels } from './labels/runs.ts';
import { maskInBox, maskObject, runsInBox } from './mask-runs.ts';

const size = { width: 13, height: 9 };
const whole = [0, 0, 13, 9] as const;

/** Blots of a few pixels, so that runs end at rows' ends, begin at their starts, and go on in the next. */
function blots(seed: number, share: number): Uint8Array {
  const random = Random.fromSeed(seed, 'blots');
  return Uint8Array.from({ length: 13 * 9 }, () => (random.integer(100) < share ? 1 : 0));
}

test.each([0, 10, 50, 90, 100])('a mask of %d %% goes to runs and back', (share) => {
  for (let seed = 0; seed < 8; seed++) {
    const mask = blots(seed, share);
    const runs = runsInBox(mask, whole, size);
    expect(runs).toEqual(runsOfBitmap(mask));
    expect(maskInBox(runs, whole, size)).toEqual(mask);
    const { area, box } = maskObject(runs, size.width);
    expect(area).toBe(mask.reduce((sum, v) => sum + v, 0));
    expect(runsInBox(maskInBox(runs, box, size), box, size)).toEqual(runs);
    const part = [2, 1, 9, 8] as const;
    const inPart = Uint8Array.from(
      { length: 7 * 7 },
      (_, i) => mask[(1 + Math.floor(i / 7)) * 13 + 2 + (i % 7)] ?? 0,
    );
    expect(maskInBox(runs, part, size)).toEqual(inPart);
  }
});

test('shared pixels are those of both', () => {
  const [a, b] = [blots(1, 60), blots(2, 40)];
  const both = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  expect(sharedPixels(runsInBox(a, whole, size), runsInBox(b, whole, size))).toBe(both);
  expect(both).toBeGreaterThan(10);
});
