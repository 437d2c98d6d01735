import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { runsInBox } from '../../data/mask-runs.ts';
import { imageTransform } from '../../data/preprocess.ts';
import type { Box } from '../../data/types.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { SamModel } from '../../sam/weights.ts';
import { openTestGpu } from '../../testing/device.ts';
import { openMicroModel } from '../../testing/micro-model.ts';
import { normals } from '../../testing/random.ts';
import { GpuQueue } from '../gpu-queue.ts';
import { ClassMeans } from './classes.ts';
import { pooledFeature } from './feature.ts';
import { learnClasses } from './find-dataset.ts';
import { Finder } from './finder.ts';

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openMicroModel(gpu);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

const rectangle = (box: Box, width: number, height: number) =>
  runsInBox(new Uint8Array((box[2] - box[0]) * (box[3] - box[1])).fill(1), box, { width, height });

test('a feature is the mean of the cells under an object, by their pixels', () => {
  // 4 × 4 cells for a square of 8 pixels, which shows a crop of 16 × 16 at (10, 20): 4 pixels to a cell.
  const values = Float32Array.from({ length: 4 * 4 * 2 }, (_, i) => (i % 2 === 0 ? Math.floor(i / 2) : 100));
  const transform = imageTransform(16, 16, { size: 8, aspect: 'keep' });
  const crop = { values, grid: 4, channels: 2, transform, corner: [10, 20] as const };
  const [width, height] = [40, 50];
  // All of cell 0 and half of cell 1.
  expect([...pooledFeature(rectangle([10, 20, 16, 24], width, height), width, crop)]).toEqual([
    expect.closeTo(1 / 3, 6),
    expect.closeTo(100, 4),
  ]);
  // What lies outside of the crop has no part.
  expect(pooledFeature(rectangle([0, 0, 12, 22], width, height), width, crop)[0]).toBe(0);
  expect([...pooledFeature(rectangle([0, 0, 5, 5], width, height), width, crop)]).toEqual([0, 0]);
});

test.each([
  { wide: 37, high: 29, what: 'no whole pixels' },
  { wide: 4, high: 3, what: 'smaller than pixels' },
])('a feature counts every pixel once, where cells are $what', ({ wide, high }) => {
  // A crop at (3, 5); each cell has its own value.
  const grid = 6;
  const values = Float32Array.from({ length: grid * grid }, (_, i) => i);
  const transform = imageTransform(wide, high, { size: 24, aspect: 'keep' });
  const crop = { values, grid, channels: 1, transform, corner: [3, 5] as const };
  const [width, height] = [50, 40];
  const inside = normals(width * height, 1);
  const box: Box = [0, 0, width, height];
  const mask = Uint8Array.from(inside, (value) => Number(value > 0.3));
  let [sum, count] = [0, 0];
  const { scaleX, scaleY } = transform;
  for (let y = 5; y < 5 + high; y++) {
    for (let x = 3; x < 3 + wide; x++) {
      if (mask[y * width + x] === 0) continue;
      const [row, column] = [(y - 4.5) * scaleY * (grid / 24), (x - 2.5) * scaleX * (grid / 24)];
      sum += values[Math.floor(row) * grid + Math.floor(column)] ?? 0;
      count++;
    }
  }
  const [own] = pooledFeature(runsInBox(mask, box, { width, height }), width, crop);
  expect(own).toBeCloseTo(sum / count, 5);
});

test('the nearest class counts, by channels that tell classes apart', () => {
  const object = (classValue: number, ...feature: number[]) => ({
    classValue,
    feature: Float32Array.from(feature),
  });
  const known = [object(7, 0, -5), object(7, 0.2, 9), object(2, 1, 8), object(2, 1.2, -6)];
  const classes = ClassMeans.of(known);
  expect(classes?.values).toEqual([2, 7]);
  // The second channel is far from class 7 and says nothing.
  expect(classes?.classOf(Float32Array.of(0.1, 3)).classValue).toBe(7);
  expect(classes?.classOf(Float32Array.of(1, 2)).classValue).toBe(2);
  expect(ClassMeans.of([])).toBeNull();
  expect(ClassMeans.of(known.slice(0, 2))).toBeNull();
});

test('confidence is as high as known objects are told rightly without themselves', () => {
  const random = normals(400, 1);
  // Two classes in ten channels that all say the same, which plain distances would take for ten witnesses.
  const object = (i: number, apart: number) => {
    const value = (random[i] ?? 0) + (i % 2) * apart;
    return { classValue: 1 + (i % 2), feature: new Float32Array(10).fill(value) };
  };
  const shareRight = (apart: number) => {
    const classes = ClassMeans.of(Array.from({ length: 200 }, (_, i) => object(i, apart)));
    const told = Array.from({ length: 200 }, (_, i) => {
      const { classValue, feature } = object(200 + i, apart);
      const { classValue: own, classConfidence } = classes?.classOf(feature) ?? {};
      return { isRight: own === classValue, confidence: classConfidence ?? 0 };
    });
    const right = told.filter(({ isRight }) => isRight).length / 200;
    const expected = told.reduce((sum, { confidence }) => sum + confidence, 0) / 200;
    expect(Math.abs(expected - right)).toBeLessThan(0.06);
    expect(Math.abs((classes?.checked.right ?? 0) / 200 - right)).toBeLessThan(0.06);
    expect(classes?.checked.objects).toBe(200);
    return right;
  };
  expect(shareRight(4)).toBeGreaterThan(0.95);
  expect(shareRight(1)).toBeLessThan(0.8);
});

test('an object that is alone in its class is not told without itself', () => {
  const feature = (value: number) => Float32Array.of(value);
  const classes = ClassMeans.of([
    { classValue: 1, feature: feature(0) },
    { classValue: 2, feature: feature(1) },
  ]);
  expect(classes?.checked).toEqual({ objects: 0, right: 0 });
  expect(classes?.classOf(feature(0.5)).classConfidence).toBeCloseTo(0.5, 6);
});

const BOXES: readonly Box[] = [
  [2, 3, 14, 15],
  [18, 4, 30, 16],
  [4, 18, 15, 30],
  [19, 19, 29, 29],
];

/** Four squares on grey, bright ones of class 1 and dark ones of class 2. */
function drawn(name: string, classes: readonly number[]) {
  const data = new Uint8Array(32 * 32 * 3).fill(128);
  const map = new Int32Array(32 * 32);
  for (const [i, [x0, y0, x1, y1]] of BOXES.entries()) {
    for (let y = y0; y < y1; y++) {
      map.fill(classes[i] ?? 0, y * 32 + x0, y * 32 + x1);
      data.fill(classes[i] === 1 ? 230 : 20, (y * 32 + x0) * 3, (y * 32 + x1) * 3);
    }
  }
  const image = { width: 32, height: 32, channels: 3, data } as const;
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const labels = lazy(`labels/${name}`, encodeMaskPng({ width: 32, height: 32, data: map }));
  return { image, sample: { name, image: lazy(`images/${name}`, encodeImagePng(image)), labels } };
}

test('classes are learnt from labelled images and told in another', async () => {
  const samples = [drawn('a.png', [1, 2, 1, 2]), drawn('b.png', [2, 1, 1, 2])].map(({ sample }) => sample);
  const dataset: Dataset = { name: 'squares', samples };
  const finder = await Finder.open(gpu, new GpuQueue(), model, null);
  const classes = await learnClasses(finder, dataset);
  expect(classes?.values).toEqual([1, 2]);
  const { image } = drawn('c.png', [2, 2, 1, 1]);
  const objects = BOXES.map((box) => ({ box, runs: rectangle(box, 32, 32), classValue: 1 }));
  const described = await finder.describe(image, objects, 'whole');
  expect(described.map(({ feature }) => classes?.classOf(feature).classValue)).toEqual([2, 2, 1, 1]);
  const one = await learnClasses(finder, { ...dataset, samples: [drawn('d.png', [1, 1, 1, 1]).sample] });
  expect(one).toBeNull();
  await finder.release();
});
