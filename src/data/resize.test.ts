import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { resizeImage } from './resize.ts';

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
