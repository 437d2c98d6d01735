import { describe, expect, it } from 'vitest';
import type { DatasetSample } from '../dataset.ts';
import { loadSample } from '../dataset.ts';
import type { Raster } from '../decode/raster.ts';
import { encodeImagePng, encodeMaskPng } from '../encode-png.ts';
import { applyReading } from './apply.ts';
import { earlierReading } from './earlier.ts';
import type { MaskRole } from './reading.ts';

const base = { format: 'png', bits: 8, lossy: false, orientation: 1, height: 1 } as const;

function row(pixels: readonly (number | readonly number[])[], more: Partial<Raster> = {}): Raster {
  const channels = [pixels[0] ?? 0].flat().length;
  return { ...base, width: pixels.length, channels, data: Uint8Array.from(pixels.flat()), ...more };
}

/** Labels as a dataset has them that was stored when each mask was read by itself. */
function labels(mask: Raster, role: MaskRole = 'masks'): number[] {
  const { raster, reading } = earlierReading(mask, role);
  return [...applyReading(raster, reading, 'm.png').data];
}

const [black, white, red, green] = [
  [0, 0, 0],
  [255, 255, 255],
  [255, 0, 0],
  [0, 255, 0],
];
const palette = Uint8Array.of(255, 255, 255, 0, 0, 0, 9, 9, 9);
const jpeg = { format: 'jpeg', lossy: true } as const;

describe('masks of datasets that were stored before they had a reading', () => {
  it.each([
    ['two values of which one is 0', row([0, 255, 255]), [0, 1, 1]],
    ['one value', row([7, 7]), [1, 1]],
    ['two values of which none is 0', row([1, 2, 2]), [1, 2, 2]],
    ['more values', row([0, 1, 255]), [0, 1, 255]],
    ['16 bits', row([0, 0, 0], { bits: 16, data: Uint16Array.of(0, 300, 65_535) }), [0, 300, 65_535]],
    ['a lossy file', row([3, 127, 128, 250], jpeg), [0, 0, 1, 1]],
    [
      'a lossy file in colours',
      row(
        [
          [250, 3, 2],
          [2, 1, 0],
          [9, 200, 1],
        ],
        jpeg,
      ),
      [1, 0, 1],
    ],
    ['colours', row([[...black], [...red], [...green]]), [0, 0xff0000, 0x00ff00]],
    ['colours on white', row([[...white], [...red], [...green]]), [0, 0xff0000, 0x00ff00]],
    ['one colour on white', row([[...white], [...red]]), [0, 1]],
    [
      'alpha',
      row(
        [
          [9, 9, 9, 0],
          [9, 9, 9, 255],
        ],
        { hasAlpha: true },
      ),
      [0, 1],
    ],
    ['a palette', row([0, 1, 2], { palette }), [0, 1, 2]],
    ['two colours of a palette whose black is not first', row([0, 1, 0], { palette }), [1, 0, 1]],
    ['WhiteIsZero', row([255, 0], { isWhiteZero: true }), [0, 1]],
    ['floats', row([0, 0], { bits: 32, data: Float32Array.of(0, 0.5) }), [0, 1]],
  ])('%s', (_, mask, expected) => {
    expect(labels(mask)).toEqual(expected);
  });

  it('keep every value of labels and ids', () => {
    for (const role of ['labels', 'instances'] as const) {
      expect(labels(row([0, 255, 255]), role)).toEqual([0, 255, 255]);
      expect(labels(row([0, 1, 1], { palette }), role)).toEqual([0, 1, 1]);
      expect(labels(row([[...white], [...red]]), role)).toEqual([0, 0xff0000]);
      expect(labels(row([0, 0, 0], { bits: 16, data: Int16Array.of(0, -1, 4) }), role)).toEqual([0, -1, 4]);
    }
  });

  it('antialiased grey has its threshold', () => {
    const size = 40;
    const data = Uint8Array.from({ length: size * size }, (_, i) => {
      const distance = Math.hypot((i % size) - 20, Math.floor(i / size) - 20);
      return Math.round(255 * Math.min(1, Math.max(0, 13 - distance + 0.5)));
    });
    const mask = row([0], { width: size, height: size, data });
    expect(labels(mask)).toEqual([...data].map((v) => (v >= 128 ? 1 : 0)));
  });

  it('load with the objects that they had', async () => {
    const size = { width: 6, height: 4 };
    const lazy = (path: string, bytes: Uint8Array) => ({
      path,
      size: bytes.length,
      bytes: async () => bytes,
    });
    const image = encodeImagePng({ ...size, channels: 3, data: new Uint8Array(72).map((_, i) => 3 * i) });
    // 1 surrounds 2: now it would be taken as the background.
    const mask = encodeMaskPng({
      ...size,
      data: Int32Array.from({ length: 24 }, (_, i) => (i === 8 || i === 9 ? 2 : 1)),
    });
    const sample: DatasetSample = {
      name: 'a.png',
      image: lazy('images/a.png', image),
      mask: lazy('masks/a.png', mask),
    };
    const areas = async (of: DatasetSample) => {
      const loaded = await loadSample(of);
      if (!loaded.ok) throw new Error(loaded.refusal.reason);
      return loaded.value.objects.regions.map(({ label, area }) => [label, area]);
    };
    expect(await areas({ ...sample, reading: 'per-file' })).toEqual([
      [1, 22],
      [2, 2],
    ]);
    expect(await areas(sample)).toEqual([[1, 2]]);
  });
});
