import { expect, test } from 'vitest';
import { readRaster } from './decode/read-raster.ts';
import { encodeRows } from './encode-large-png.ts';

test.each([
  [8, 1, 200, 7],
  [16, 1, 1, 1],
  // More rows than one piece for the compressor has.
  [16, 1, 60_000, 20],
  [8, 4, 60_000, 6],
] as const)(
  '%i bits and %i channels of %i × %i pixels are read as they were drawn',
  async (depth, channels, width, height) => {
    const valueAt = (x: number, y: number, c: number) => (31 * x + 7 * y + 101 * c) % 2 ** depth;
    const png = await encodeRows({ width, height, depth, channels }, (y, row) => {
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++) {
          if (depth === 8) row.setUint8(x * channels + c, valueAt(x, y, c));
          else row.setUint16(2 * (x * channels + c), valueAt(x, y, c));
        }
    });
    const read = await readRaster(png, 'a.png');
    expect([read.width, read.height, read.channels]).toEqual([width, height, channels]);
    const wrong = [...read.data].findIndex((value, i) => {
      const [pixel, c] = [Math.floor(i / channels), i % channels];
      return value !== valueAt(pixel % width, Math.floor(pixel / width), c);
    });
    expect(wrong).toBe(-1);
  },
);
