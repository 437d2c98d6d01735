import { expect, test } from 'vitest';
import { lowResOf } from '../config/sam.ts';
import { preprocess } from '../data/preprocess.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawLook } from './look.ts';

test('an image looks as it was, without the padding, and masks lie where the logits are above the threshold', () => {
  const [width, height] = [40, 20];
  const data = new Uint8Array(3 * width * height);
  // Red on the left, blue on the right.
  for (let i = 0; i < width * height; i++) data[3 * i + (i % width < width / 2 ? 0 : 2)] = 200;
  const input = preprocess(
    { width, height, channels: 3, data },
    { size: MICRO_SAM.imageSize, ...MICRO_SAM.preprocessing },
  );
  const side = lowResOf(MICRO_SAM);
  const left = Float32Array.from({ length: side * side }, (_, i) => (i % side < side / 2 ? 2 : -2));
  const look = drawLook(input, MICRO_SAM, [left], 0);
  expect(look.width / look.height).toBeCloseTo(2, 1);
  const at = (x: number, y: number) =>
    (Math.floor(y * look.height) * look.width + Math.floor(x * look.width)) as number;
  const colour = (at: number) => [...look.rgb.subarray(3 * at, 3 * at + 3)];
  expect(colour(at(0.2, 0.5))).toEqual([200, 0, 0]);
  expect(colour(at(0.8, 0.9))).toEqual([0, 0, 200]);
  expect([look.mask[at(0.2, 0.5)], look.mask[at(0.8, 0.5)]]).toEqual([1, 0]);
  expect(drawLook(input, MICRO_SAM, [left], 2.5).mask.some(Boolean)).toBe(false);
  expect(drawLook(input, MICRO_SAM, [], 0).mask.some(Boolean)).toBe(false);
});
