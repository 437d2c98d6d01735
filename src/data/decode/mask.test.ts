import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { greyTiff } from '../../testing/grey-tiff.ts';
import { encodeMaskPng } from '../encode-png.ts';
import type { MaskKind } from '../types.ts';
import { decodeMask, type MaskRole, maskOfRaster } from './mask.ts';
import type { Raster } from './raster.ts';

const base = { format: 'png', bits: 8, lossy: false, orientation: 1 } as const;

function grey(width: number, values: readonly number[], more: Partial<Raster> = {}): Raster {
  return {
    ...base,
    width,
    height: values.length / width,
    channels: 1,
    data: Uint8Array.from(values),
    ...more,
  };
}

function colours(width: number, pixels: readonly (readonly number[])[], more: Partial<Raster> = {}): Raster {
  const channels = (pixels[0]?.length ?? 3) as 3 | 4;
  const data = Uint8Array.from(pixels.flat());
  return { ...base, width, height: pixels.length / width, channels, hasAlpha: channels === 4, data, ...more };
}

function read(raster: Raster, role: MaskRole = 'masks'): { kind: MaskKind; values: number[] } {
  const { kind, labelMap } = maskOfRaster(raster, 'm.png', role);
  return { kind, values: [...labelMap.data] };
}

/** A grey TIFF of signed integers in one row, without compression. */
function signedTiff(bits: number, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer((values.length * bits) / 8));
  for (const [i, value] of values.entries()) {
    if (bits === 8) view.setInt8(i, value);
    else if (bits === 16) view.setInt16(2 * i, value, true);
    else view.setInt32(4 * i, value, true);
  }
  const about = { width: values.length, height: 1, bits, sampleFormat: 2 };
  return greyTiff(about, new Uint8Array(view.buffer));
}

/** A disc with a smoothed rim, as drawing programs make it. */
function softDisc(size: number, top: number): number[] {
  return Array.from({ length: size * size }, (_, i) => {
    const distance = Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2);
    return Math.round(top * Math.min(1, Math.max(0, size / 3 - distance + 0.5)));
  });
}

const black = [0, 0, 0];
const white = [255, 255, 255];
const red = [255, 0, 0];
const green = [0, 255, 0];
const RED = 0xff0000;
const GREEN = 0x00ff00;

describe('what a mask means', () => {
  it('at most two values: nonzero is foreground', () => {
    expect(read(grey(2, [0, 255, 255, 0]))).toEqual({ kind: 'binary', values: [0, 1, 1, 0] });
    expect(read(grey(2, [0, 1, 0, 0]))).toEqual({ kind: 'binary', values: [0, 1, 0, 0] });
    expect(read(grey(2, [0, 0, 0, 0]))).toEqual({ kind: 'binary', values: [0, 0, 0, 0] });
    expect(read(grey(2, [7, 7, 7, 7]))).toEqual({ kind: 'binary', values: [1, 1, 1, 1] });
    expect(read(colours(2, [black, white, white, black]))).toEqual({ kind: 'binary', values: [0, 1, 1, 0] });
    expect(read(colours(2, [black, red, red, black]))).toEqual({ kind: 'binary', values: [0, 1, 1, 0] });
  });

  it('two values of which none is background are labels', () => {
    expect(read(grey(2, [1, 2, 2, 1]))).toEqual({ kind: 'labels', values: [1, 2, 2, 1] });
    expect(read(colours(2, [red, green]))).toEqual({ kind: 'labels', values: [RED, GREEN] });
    const palette = Uint8Array.from([0, 0, 0, 128, 0, 0, 0, 128, 0]);
    expect(read(grey(2, [1, 2], { palette }))).toEqual({ kind: 'labels', values: [1, 2] });
    const floats = { bits: 32, data: Float32Array.of(1, 2) };
    expect(read(grey(2, [0, 0], floats))).toEqual({ kind: 'labels', values: [1, 2] });
    const lossy = grey(2, [1, 254], { format: 'jpeg', lossy: true });
    expect(read(lossy)).toEqual({ kind: 'threshold128', values: [0, 1] });
  });

  it('more values are labels, kept as they are', () => {
    expect(read(grey(3, [0, 1, 1, 2, 2, 2]))).toEqual({ kind: 'labels', values: [0, 1, 1, 2, 2, 2] });
    const deep = grey(3, [0, 0, 0], { bits: 16, data: Uint16Array.of(0, 300, 65535) });
    expect(read(deep)).toEqual({ kind: 'labels', values: [0, 300, 65535] });
  });

  it('many instances in patches are labels, however many values they have', () => {
    const size = 60;
    const values = Array.from({ length: size * size }, (_, i) => {
      const x = i % size;
      const y = Math.floor(i / size);
      return x % 6 < 4 && y % 6 < 4 ? 1 + Math.floor(y / 6) * 10 + Math.floor(x / 6) + 100 : 0;
    });
    expect(read(grey(size, values)).kind).toBe('labels');
  });

  it('antialiased grey is read with a threshold of 128', () => {
    const values = softDisc(40, 255);
    expect(new Set(values).size).toBeGreaterThan(6);
    expect(read(grey(40, values))).toEqual({
      kind: 'threshold128',
      values: values.map((v) => (v >= 128 ? 1 : 0)),
    });
    const rgb = colours(
      40,
      values.map((v) => [v, v, v]),
    );
    expect(read(rgb).kind).toBe('threshold128');
  });

  it('a lossy file is read with a threshold of 128 on its brightest channel', () => {
    const noisy = grey(4, [3, 0, 250, 255, 128, 127, 1, 2], { format: 'jpeg', lossy: true });
    expect(read(noisy)).toEqual({ kind: 'threshold128', values: [0, 0, 1, 1, 1, 0, 0, 0] });
    const coloured = colours(
      4,
      [
        [250, 3, 2],
        [2, 1, 0],
        [9, 200, 1],
        [1, 1, 1],
      ],
      { format: 'jpeg', lossy: true },
    );
    expect(read(coloured)).toEqual({ kind: 'threshold128', values: [1, 0, 1, 0] });
  });

  it('palette indices are the labels', () => {
    const palette = Uint8Array.from([0, 0, 0, 128, 0, 0, 0, 128, 0, 9, 9, 9]);
    expect(read(grey(4, [0, 1, 2, 3], { palette }))).toEqual({ kind: 'labels', values: [0, 1, 2, 3] });
    expect(read(grey(4, [0, 3, 3, 0], { palette }))).toEqual({ kind: 'binary', values: [0, 1, 1, 0] });
    // An optimiser may put black last: what is seen decides.
    const whiteFirst = Uint8Array.from([255, 255, 255, 0, 0, 0]);
    expect(read(grey(4, [0, 1, 1, 0], { palette: whiteFirst }))).toEqual({
      kind: 'binary',
      values: [1, 0, 0, 1],
    });
  });

  it('colours are labels that are the same in every image', () => {
    expect(read(colours(3, [black, red, green]))).toEqual({ kind: 'labels', values: [0, RED, GREEN] });
    expect(read(colours(3, [green, black, red]))).toEqual({ kind: 'labels', values: [GREEN, 0, RED] });
    expect(read(colours(3, [white, red, green]))).toEqual({ kind: 'labels', values: [0, RED, GREEN] });
    expect(read(colours(2, [white, red]))).toEqual({ kind: 'binary', values: [0, 1] });
  });

  it('values are those of the file where it says that its smallest is white', () => {
    expect(read(grey(4, [0, 255, 0, 255], { format: 'tiff', isWhiteZero: true }))).toEqual({
      kind: 'binary',
      values: [0, 1, 0, 1],
    });
  });

  it('alpha is the mask where only alpha differs', () => {
    const pixels = [
      [255, 255, 255, 0],
      [255, 255, 255, 255],
    ];
    expect(read(colours(2, pixels))).toEqual({ kind: 'binary', values: [0, 1] });
    expect(
      read(
        colours(2, [
          [0, 0, 0, 255],
          [255, 255, 255, 255],
        ]),
      ).values,
    ).toEqual([0, 1]);
  });

  it('a coloured photo is no mask', () => {
    const random = Random.fromSeed(2);
    const photo = Array.from({ length: 400 }, () => [
      random.integer(256),
      random.integer(256),
      random.integer(256),
    ]);
    expect(() => read(colours(20, photo))).toThrow(/m\.png.*colours that blend/);
  });

  it('ids and class labels keep every value, and are not read from lossy files', () => {
    expect(read(grey(2, [0, 255, 255, 0]), 'instances')).toEqual({
      kind: 'instances',
      values: [0, 255, 255, 0],
    });
    expect(read(grey(2, [0, 2, 2, 0]), 'labels')).toEqual({ kind: 'labels', values: [0, 2, 2, 0] });
    const floats = { bits: 32, data: Float32Array.of(0, 7) };
    expect(read(grey(2, [0, 0], floats), 'instances')).toEqual({ kind: 'instances', values: [0, 7] });
    const palette = Uint8Array.from([255, 255, 255, 0, 0, 0]);
    expect(read(grey(2, [0, 1], { palette }), 'labels')).toEqual({ kind: 'labels', values: [0, 1] });
    const lossy = grey(2, [0, 2, 2, 0], { format: 'jpeg', lossy: true });
    expect(() => read(lossy, 'instances')).toThrow(/JPEG.*object ids/);
    expect(() => read(lossy, 'labels')).toThrow(/JPEG.*class labels/);
  });

  it('floats count when they are whole', () => {
    const whole = grey(3, [0, 0, 0], { bits: 32, data: Float32Array.of(0, 4, 1000) });
    expect(read(whole)).toEqual({ kind: 'labels', values: [0, 4, 1000] });
    const share = grey(3, [0, 0, 0], { bits: 32, data: Float32Array.of(0, 0.25, 1) });
    expect(() => read(share)).toThrow(/fractions/);
    const two = grey(2, [0, 0], { bits: 32, data: Float32Array.of(0, 0.5) });
    expect(read(two)).toEqual({ kind: 'binary', values: [0, 1] });
  });

  it.each([8, 16, 32])('values of a signed TIFF of %i bits are what the file says', async (bits) => {
    const signed = async (role: MaskRole, ...values: number[]) => {
      const mask = await decodeMask(signedTiff(bits, values), 'm.tif', role);
      if (!mask.ok) return mask.refusal;
      return { kind: mask.value.kind, values: [...mask.value.labelMap.data] };
    };
    expect(await signed('masks', 0, 1, 2, 0)).toEqual({ kind: 'labels', values: [0, 1, 2, 0] });
    expect(await signed('masks', 0, 100, 100, 0)).toEqual({ kind: 'binary', values: [0, 1, 1, 0] });
    expect(await signed('instances', 0, 7, 7, 127)).toEqual({ kind: 'instances', values: [0, 7, 7, 127] });
    expect(await signed('masks', 0, -1, 2, 0)).toMatchObject({
      code: 'data/mask-negative',
      file: 'm.tif',
      reason: expect.stringContaining('the negative value -1;'),
    });
  });

  it('is found through a file: a real JPEG mask has a threshold', async () => {
    const path = new URL('../../../tests/vectors/images/images.json', import.meta.url);
    const cases = JSON.parse(readFileSync(path, 'utf8')) as { name: string; file: string }[];
    const file = cases.find(({ name }) => name === 'jpeg grey')?.file ?? '';
    const mask = await decodeMask(new Uint8Array(Buffer.from(file, 'base64')), 'm.jpg');
    expect(mask.ok && mask.value.kind).toBe('threshold128');
  });
});

describe('masks come back from the PNG that is written', () => {
  it.each([
    ['ids to 255', [0, 1, 2, 255], 'labels'],
    ['ids beyond', [0, 1, 256, 65_535], 'labels'],
    ['one object', [0, 9, 9, 0], 'instances'],
  ] as const)('%s', async (_, values, role) => {
    const png = encodeMaskPng({ width: 2, height: 2, data: Int32Array.from(values) });
    const mask = await decodeMask(png, 'm.png', role);
    expect(mask.ok && [...mask.value.labelMap.data]).toEqual([...values]);
    expect(png[24]).toBe(Math.max(...values) > 255 ? 16 : 8);
  });

  it('binary', async () => {
    const png = encodeMaskPng({ width: 3, height: 1, data: Uint8Array.of(0, 1, 1) });
    const mask = await decodeMask(png, 'm.png', 'labels');
    expect(mask.ok && [...mask.value.labelMap.data]).toEqual([0, 255, 255]);
  });

  it('refuses what does not fit', () => {
    expect(() => encodeMaskPng({ width: 1, height: 1, data: Int32Array.of(70_000) })).toThrow(/70000/);
  });
});
