import { describe, expect, it } from 'vitest';
import { imageOfRaster } from './image.ts';
import type { Raster, RasterData } from './raster.ts';

const WIDTH = 4;

/** A TIFF's raster of some channels, each given as the values of its pixels. */
function raster(planes: readonly RasterData[], more: Partial<Raster> = {}): Raster {
  const [first = new Uint8Array(0)] = planes;
  const Samples = first.constructor as new (n: number) => RasterData;
  const all = new Samples(first.length * planes.length);
  for (const [c, plane] of planes.entries()) {
    for (const [i, value] of [...plane].entries()) all[i * planes.length + c] = value;
  }
  return {
    format: 'tiff',
    width: WIDTH,
    height: first.length / WIDTH,
    channels: planes.length,
    bits: 8 * first.BYTES_PER_ELEMENT,
    data: all,
    lossy: false,
    orientation: 1,
    ...more,
  };
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const dark = bytes(0, 1, 0, 1);
const bright = bytes(0, 90, 180, 250);
const third = bytes(7, 8, 9, 10);

describe('an image of several channels', () => {
  it('shows of two the one with more contrast, as grey, and says so', () => {
    for (const [planes, shown] of [
      [[dark, bright], 2],
      [[bright, dark], 1],
    ] as const) {
      const { image, channels } = imageOfRaster(raster(planes), 'a.tif');
      expect(channels).toEqual({ of: 2, shown: [shown, shown, shown] });
      expect([...image.data]).toEqual([...bright].flatMap((v) => [v, v, v]));
    }
  });

  it('shows the first three of more, and says so', () => {
    const { image, channels } = imageOfRaster(raster([dark, bright, third, dark, dark]), 'a.tif');
    expect(channels).toEqual({ of: 5, shown: [1, 2, 3] });
    expect([...image.data.subarray(3, 6)]).toEqual([1, 90, 8]);
  });

  it('shows those that were chosen, in their order and more than once', () => {
    const image = (choice: [number, number, number], of = [dark, bright, third]) => [
      ...imageOfRaster(raster(of), 'a.tif', { channels: choice }).image.data.subarray(3, 6),
    ];
    expect(image([3, 1, 1])).toEqual([8, 1, 1]);
    expect(image([2, 2, 2])).toEqual([90, 90, 90]);
    expect(image([2, 1, 1], [dark, bright])).toEqual([90, 1, 1]);
    // One channel is grey whatever was chosen for the others of its dataset.
    expect(image([2, 1, 1], [bright])).toEqual([90, 90, 90]);
  });

  it('does not count alpha, and says nothing of grey and RGB', () => {
    expect(imageOfRaster(raster([dark, bright], { hasAlpha: true }), 'a.png').channels).toBeUndefined();
    expect(
      imageOfRaster(raster([dark, bright, third, bright], { hasAlpha: true }), 'a.png').channels,
    ).toBeUndefined();
  });

  it('refuses a channel that it does not have, and names those it has', () => {
    for (const channel of [0, 3, 1.5, Number.NaN]) {
      expect(() => imageOfRaster(raster([dark, bright]), 'a.tif', { channels: [channel, 1, 1] })).toThrow(
        expect.objectContaining({
          record: expect.objectContaining({
            where: 'a.tif',
            what: expect.stringContaining('2 channels'),
            cure: 'Choose channels between 1 and 2.',
          }),
        }),
      );
    }
  });
});

describe('values that are not bytes', () => {
  it('map signed values by percentiles', () => {
    const { image, depth } = imageOfRaster(raster([Int16Array.of(-1000, 0, 500, 1000)]), 'a.tif');
    expect(depth).toMatchObject({ low: -1000, high: 1000 });
    expect([...image.data].filter((_, i) => i % 3 === 0)).toEqual([0, 128, 191, 255]);
    expect(imageOfRaster(raster([Int8Array.of(-100, 100, 0, 0)]), 'a.tif').depth).toMatchObject({
      low: -100,
    });
  });

  it('are shown in the window that the file names, which is then no finding of ours', () => {
    const window = { low: 0, high: 100 };
    const { image, depth } = imageOfRaster(raster([Int16Array.of(-900, 0, 60, 900)], { window }), 'a.dcm');
    expect(depth).toBeUndefined();
    expect([...image.data].filter((_, i) => i % 3 === 0)).toEqual([0, 0, 153, 255]);
    const { image: eight } = imageOfRaster(raster([bytes(0, 60, 100, 200)], { window }), 'a.nii');
    expect([...eight.data].filter((_, i) => i % 3 === 0)).toEqual([0, 153, 255, 255]);
  });

  it('are inverted where the smallest value is white', () => {
    const of = (data: RasterData) =>
      [...imageOfRaster(raster([data], { isWhiteZero: true }), 'a.tif').image.data].filter(
        (_, i) => i % 3 === 0,
      );
    expect(of(bytes(0, 10, 245, 255))).toEqual([255, 245, 10, 0]);
    expect(of(Uint16Array.of(0, 1000, 2000, 4000))).toEqual([255, 191, 127, 0]);
  });
});
