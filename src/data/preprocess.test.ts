import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { SAM_PREPROCESSING } from '../config/sam.ts';
import { copyLabels, someViews } from '../testing/copy-view.ts';
import { runsOf } from './label-runs.ts';
import { ignoredCells, lowResTarget } from './low-res-target.ts';
import { imageTransform, preprocess, preprocessView, toModel } from './preprocess.ts';
import { resizeImage } from './resize.ts';
import type { RgbImage } from './types.ts';
import { wholeView } from './view.ts';
import { findViewObjects, viewRuns } from './view-objects.ts';

const random = Random.fromSeed(12, 'preprocess');
const noise = (width: number, height: number): RgbImage => ({
  width,
  height,
  channels: 3,
  data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)),
});

describe('sizes', () => {
  it.each([
    // width, height, model size, expected input width, height: SAM's get_preprocess_shape.
    [1920, 1080, 1024, 1024, 576],
    [512, 382, 1024, 1024, 764],
    [333, 500, 1024, 682, 1024],
    [1, 4000, 256, 1, 256],
    [320, 320, 256, 256, 256],
    [5, 2, 256, 256, 102],
  ])('%i × %i at %i is %i × %i', (width, height, size, inputWidth, inputHeight) => {
    const transform = imageTransform(width, height, { size, aspect: 'keep' });
    expect(transform.inputSize).toEqual([inputHeight, inputWidth]);
    expect(imageTransform(width, height, { size, aspect: 'stretch' }).inputSize).toEqual([size, size]);
    const [x, y] = toModel(transform, width, height);
    expect([x, y]).toEqual([expect.closeTo(inputWidth, 9), expect.closeTo(inputHeight, 9)]);
  });
});

describe('preprocess', () => {
  it('normalises by mean and standard deviation in f32 and pads with 0', () => {
    const image = noise(30, 20);
    const { data, transform } = preprocess(image, { ...SAM_PREPROCESSING, size: 16 });
    expect(transform.inputSize).toEqual([11, 16]);
    const resized = resizeImage(image, 16, 11).data;
    const mean = [123.675, 116.28, 103.53].map(Math.fround);
    const std = [58.395, 57.12, 57.375].map(Math.fround);
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < 16; y++) {
        for (let x = 0; x < 16; x++) {
          const value = (resized[(y * 16 + x) * 3 + c] ?? 0) - (mean[c] ?? 0);
          const expected = y < 11 ? Math.fround(Math.fround(value) / (std[c] ?? 1)) : 0;
          expect(data[(c * 16 + y) * 16 + x]).toBe(expected);
        }
      }
    }
  });

  it('scales to 1 first when the record says so', () => {
    const image = noise(8, 8);
    const { data } = preprocess(image, {
      size: 8,
      aspect: 'keep',
      normalisation: { kind: 'mean-std', mean: [0.5, 0.5, 0.5], std: [0.25, 0.5, 1], range: 1 },
    });
    expect(data[0]).toBeCloseTo(((image.data[0] ?? 0) / 255 - 0.5) / 0.25, 5);
    expect(data[64]).toBeCloseTo(((image.data[1] ?? 0) / 255 - 0.5) / 0.5, 5);
  });

  it('stretches and runs from 0 to 1 by min-max', () => {
    const { data, transform } = preprocess(noise(9, 4), {
      size: 8,
      aspect: 'stretch',
      normalisation: { kind: 'min-max' },
    });
    expect([transform.scaleX, transform.scaleY]).toEqual([8 / 9, 2]);
    expect(Math.min(...data)).toBe(0);
    expect(Math.max(...data)).toBe(1);
    const flat = preprocess(
      { width: 2, height: 2, channels: 3, data: new Uint8Array(12).fill(7) },
      {
        size: 4,
        aspect: 'keep',
        normalisation: { kind: 'min-max' },
      },
    );
    expect(flat.data.every((v) => v === 0)).toBe(true);
  });

  it('takes the least and the largest value of this image alone', () => {
    const record = { size: 4, aspect: 'keep', normalisation: { kind: 'min-max' } } as const;
    const grey = {
      width: 2,
      height: 1,
      channels: 3,
      data: Uint8Array.of(90, 90, 90, 150, 150, 150),
    } as const;
    preprocess(noise(40, 40), { ...record, size: 32 });
    const { data } = preprocess(grey, record);
    expect([data[0], data[3]]).toEqual([0, 1]);
  });

  it('looks values up in a tone once they are resized', () => {
    const image = noise(30, 20);
    const tone = Uint8ClampedArray.from({ length: 256 }, (_, v) => 1.3 * v - 20);
    const record = { ...SAM_PREPROCESSING, size: 16 };
    const { data: resized } = resizeImage(image, 16, 11);
    const toned = { width: 16, height: 11, channels: 3 as const, data: resized.map((v) => tone[v] ?? 0) };
    for (const normalisation of [SAM_PREPROCESSING.normalisation, { kind: 'min-max' } as const]) {
      const { data } = preprocessView(image, wholeView(image), { ...record, normalisation }, tone);
      expect(data).toEqual(preprocess(toned, { ...record, normalisation }).data);
    }
  });
});

describe('low-res target', () => {
  /** The runs of a map as they are, by their values. */
  const runs = (data: Int32Array, width: number) => {
    const size = { width, height: data.length / width };
    return viewRuns(runsOf({ ...size, data }), wholeView(size));
  };

  /** Averages by sampling every cell on a fine lattice. */
  function sampled(map: Int32Array, width: number, height: number, size: number, side: number): number[] {
    const { scaleX, scaleY } = imageTransform(width, height, { size, aspect: 'keep' });
    const cell = size / side;
    const n = 24;
    return Array.from({ length: side * side }, (_, i) => {
      let hits = 0;
      for (let a = 0; a < n; a++) {
        for (let b = 0; b < n; b++) {
          const x = Math.floor((((i % side) + (a + 0.5) / n) * cell) / scaleX);
          const y = Math.floor(((Math.floor(i / side) + (b + 0.5) / n) * cell) / scaleY);
          if (x < width && y < height && map[y * width + x]) hits++;
        }
      }
      return hits / n / n;
    });
  }

  it.each([
    [40, 30],
    [30, 40],
    [200, 90],
    [7, 5],
    [16, 16],
  ])('averages %i × %i by area', (width, height) => {
    const map = Int32Array.from({ length: width * height }, (_, i) =>
      Math.hypot((i % width) - width / 3, Math.floor(i / width) - height / 2) < width / 4 ? 1 : 0,
    );
    const transform = imageTransform(width, height, { size: 64, aspect: 'keep' });
    const target = lowResTarget(runs(map, width), 1, transform, 16, null);
    const expected = sampled(map, width, height, 64, 16);
    let decided = 0;
    for (let i = 0; i < expected.length; i++) {
      const share = expected[i] ?? 0;
      // The lattice is a few percent off; cells near the threshold are not decided by it.
      if (Math.abs(share - 0.5) < 0.08) continue;
      decided++;
      expect(target.data[i]).toBe(share > 0.5 ? 1 : 0);
    }
    expect(decided).toBeGreaterThan(200);
    expect(target.vanished).toBe(false);
    expect(target.area).toBe(target.data.reduce((sum, v) => sum + v, 0));
  });

  it('counts padding as background, and half as foreground', () => {
    const transform = imageTransform(8, 2, { size: 8, aspect: 'keep' });
    const full = new Int32Array(16).fill(1);
    // Cells of 4 × 4 model pixels: the image fills the upper half of the upper row.
    expect([...lowResTarget(runs(full, 8), 1, transform, 2, null).data]).toEqual([1, 1, 0, 0]);
    const thin = imageTransform(8, 1, { size: 8, aspect: 'keep' });
    const line = lowResTarget(runs(new Int32Array(8).fill(1), 8), 1, thin, 2, null);
    expect(line).toMatchObject({ area: 0, vanished: true });
  });

  it('names an object that vanishes, one at a time', () => {
    const width = 64;
    const data = new Int32Array(width * width);
    for (let y = 0; y < 20; y++) data.fill(1, y * width, y * width + 20);
    data[50 * width + 50] = 2;
    const size = { width, height: width };
    const objects = findViewObjects(runsOf({ ...size, data }), 'components', wholeView(size), 0);
    const transform = imageTransform(width, width, { size: 64, aspect: 'keep' });
    const targets = objects.regions.map(({ id }) => lowResTarget(objects.runs, id, transform, 16, null));
    expect(targets.map(({ area, vanished }) => [area, vanished])).toEqual([
      [25, false],
      [0, true],
    ]);
  });

  it('leaves out cells of which at least half is ignored', () => {
    // Cells of 2 × 2 pixels. Ignored: 2 pixels of the first cell, 1 of the second, all of the third.
    const map = Int32Array.of(-1, 1, 1, 1, -1, 1, -1, 1, -1, -1, 0, 0, -1, -1, 0, 0);
    const transform = imageTransform(4, 4, { size: 8, aspect: 'keep' });
    const ignored = ignoredCells(runs(map, 4), transform, 2);
    expect(ignored).toEqual(Uint8Array.of(1, 0, 1, 0));
    const target = lowResTarget(runs(map, 4), 1, transform, 2, ignored);
    expect(target).toEqual({ data: Float32Array.of(-1, 1, -1, 0), side: 2, area: 1, vanished: false });
  });

  it('counts padding as background beside ignored pixels, and an object whose cells are all ignored as vanished', () => {
    const transform = imageTransform(4, 1, { size: 4, aspect: 'keep' });
    const map = Int32Array.of(1, -1, -1, -1);
    const ignored = ignoredCells(runs(map, 4), transform, 4);
    expect(ignored?.slice(0, 8)).toEqual(Uint8Array.of(0, 1, 1, 1, 0, 0, 0, 0));
    expect(ignoredCells(runs(map.map(Math.abs), 4), transform, 4)).toBeNull();
    const all = new Uint8Array(16).fill(1);
    const target = lowResTarget(runs(map, 4), 1, transform, 4, all);
    expect(target).toMatchObject({ area: 0, vanished: true });
  });

  it('is that of a copy for any view', () => {
    const [width, height] = [37, 26];
    const data = Int32Array.from({ length: width * height }, (_, i) =>
      i % 7 === 0 ? -1 : Number(Math.hypot((i % width) - 15, Math.floor(i / width) - 12) < 9),
    );
    const map = { width, height, data };
    for (const view of someViews(width, height)) {
      const copy = copyLabels(map, view);
      const transform = imageTransform(copy.width, copy.height, { size: 64, aspect: 'keep' });
      const own = viewRuns(runsOf(map), view);
      const ignored = ignoredCells(own, transform, 16);
      expect(ignored).toEqual(ignoredCells(runs(copy.data, copy.width), transform, 16));
      const copied = runs(copy.data, copy.width);
      expect(lowResTarget(own, 1, transform, 16, ignored)).toEqual(
        lowResTarget(copied, 1, transform, 16, ignored),
      );
    }
  });
});
