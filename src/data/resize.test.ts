import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { copyImage, someViews } from '../testing/copy-view.ts';
import { resizeImage, resizeView } from './resize.ts';
import { sizeOfView } from './view.ts';

interface Vectors {
  readonly pillow: string;
  readonly cases: readonly { from: [number, number]; to: [number, number]; input: string; output: string }[];
}

const path = new URL('../../tests/vectors/resize/resize.json', import.meta.url);
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors;
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

it.each(vectors.cases)(
  `equals Pillow ${vectors.pillow} bit for bit: $from to $to`,
  ({ from, to, input, output }) => {
    const resized = resizeImage(
      { width: from[0], height: from[1], channels: 3, data: bytes(input) },
      to[0],
      to[1],
    );
    expect(resized.width).toBe(to[0]);
    expect(resized.height).toBe(to[1]);
    expect(resized.data).toEqual(bytes(output));
  },
);

it('has vectors up, down and mixed', () => expect(vectors.cases.length).toBeGreaterThanOrEqual(15));

it.each([
  [20, 14, 0.4],
  [5, 24, 0.3],
  [24, 5, 0.2],
  [6, 4, 2.5],
  [9, 9, 1],
])('resizes any view of %i × %i by %f as a copy of it', (width, height, scale) => {
  const image = {
    width,
    height,
    channels: 3 as const,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 2_654_435_761) >>> 24),
  };
  for (const view of someViews(width, height)) {
    const shown = sizeOfView(view);
    const to = (side: number) => Math.max(1, Math.round(side * scale));
    for (const [w, h] of [
      [to(shown.width), to(shown.height)],
      [shown.width, to(shown.height)],
    ] as const) {
      expect(resizeView(image, view, w, h)).toEqual(resizeImage(copyImage(image, view), w, h));
    }
  }
});
