import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageOfRaster } from './image.ts';
import { decodeJpeg } from './jpeg.ts';
import { upright } from './orientation.ts';
import { decodePng } from './png.ts';
import type { Raster } from './raster.ts';
import { readHeader, readRaster } from './read-raster.ts';
import { sniffFormat } from './sniff.ts';
import { decodeTiff } from './tiff.ts';
import { decodeWebp } from './webp.ts';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bits: number;
  readonly dtype: '|u1' | '<u2' | '<f4' | '<f8';
  readonly values: string;
  readonly upright?: string;
  readonly hasAlpha?: boolean;
  readonly isWhiteZero?: boolean;
  readonly lossy?: boolean;
  /** How far values may be from those of the reference. */
  readonly within?: number;
}

const cases = ['images', 'formats'].flatMap((name) => {
  const path = new URL(`../../../tests/vectors/images/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Case[];
});
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

function numbers({ dtype, values }: Case): number[] {
  const { buffer } = bytes(values);
  switch (dtype) {
    case '|u1':
      return [...new Uint8Array(buffer)];
    case '<u2':
      return [...new Uint16Array(buffer)];
    case '<f4':
      return [...new Float32Array(buffer)];
    case '<f8':
      return [...new Float64Array(buffer)];
  }
}

const farthest = (a: ArrayLike<number>, b: readonly number[]) =>
  b.reduce((most, value, i) => Math.max(most, Math.abs(value - (a[i] ?? Number.NaN))), 0);

async function stored(file: Uint8Array): Promise<Raster> {
  switch (sniffFormat(file, 'file')) {
    case 'png':
      return decodePng(file, 'file');
    case 'jpeg':
      return decodeJpeg(file, 'file');
    case 'tiff':
      return decodeTiff(file, 'file');
    case 'webp':
      return decodeWebp(file, 'file');
    default:
      return readRaster(file, 'file');
  }
}

describe('every kind of file gives the values that its writer knows', () => {
  it.each(cases)('$name', async (expected) => {
    const file = bytes(expected.file);
    const raster = await stored(file);
    expect([raster.width, raster.height, raster.bits]).toEqual([
      expected.width,
      expected.height,
      expected.bits,
    ]);
    const isMedical = raster.format === 'nifti' || raster.format === 'dicom';
    if (!isMedical)
      expect(readHeader(file, 'file')).toMatchObject({ width: expected.width, height: expected.height });
    expect(raster.channels).toBe(expected.channels);
    if (expected.lossy !== undefined) expect(raster.lossy).toBe(expected.lossy);
    if (expected.within === undefined) expect([...raster.data]).toEqual(numbers(expected));
    else expect(farthest(raster.data, numbers(expected))).toBeLessThanOrEqual(expected.within);
    if (expected.hasAlpha !== undefined) expect(raster.hasAlpha).toBe(expected.hasAlpha);
    expect(raster.isWhiteZero).toBe(expected.isWhiteZero);
    if (expected.upright) {
      const { image } = imageOfRaster(await readRaster(file, 'file'), 'file');
      expect([...image.data]).toEqual([...bytes(expected.upright)]);
    }
  });
});

it('turns back by the inverse orientation', () => {
  const inverse = [1, 2, 3, 4, 5, 8, 7, 6];
  const data = Uint8Array.from({ length: 6 }, (_, i) => i);
  const raster: Raster = {
    format: 'png',
    width: 3,
    height: 2,
    channels: 1,
    bits: 8,
    data,
    lossy: false,
    orientation: 1,
  };
  for (const [i, back] of inverse.entries()) {
    const turned = upright({ ...raster, orientation: i + 1 });
    expect(upright({ ...turned, orientation: back })).toEqual(raster);
  }
});
