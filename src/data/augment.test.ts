import { describe, expect, it } from 'vitest';
import { Random } from '../config/random.ts';
import { copyImage, copyLabels } from '../testing/copy-view.ts';
import { type AugmentSettings, drawVariant, repeatedVariant, variantsRepeat } from './augment.ts';
import { runsOf } from './label-runs.ts';
import type { LabelMap, RgbImage } from './types.ts';

const still: AugmentSettings = { flips: false, quarterTurns: false, minCrop: 1, brightness: 0, contrast: 0 };

/** An image whose red and green tell where a pixel came from, and a label map that tells the same. */
function marked(width: number, height: number): { image: RgbImage; labels: LabelMap } {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel % width, Math.floor(pixel / width), 77][i % 3] as number;
  });
  const labels = Int32Array.from(
    { length: width * height },
    (_, i) => (i % width) + 1000 * Math.floor(i / width) + 1,
  );
  return { image: { width, height, channels: 3, data }, labels: { width, height, data: labels } };
}

const { image, labels } = marked(17, 11);

/** An image and its labels as a variant shows them, copied. */
function augment(image: RgbImage, labels: LabelMap, random: Random, settings: AugmentSettings) {
  const mean = image.data.reduce((sum, v) => sum + v, 0) / image.data.length;
  const { view, tone } = drawVariant(runsOf(labels), mean, random, settings);
  const shown = copyImage(image, view);
  const data = tone ? shown.data.map((v) => tone[v] ?? 0) : shown.data;
  return { image: { ...shown, data }, labels: copyLabels(labels, view) };
}

function together({ image: p, labels: map }: ReturnType<typeof augment>): void {
  expect([map.width, map.height]).toEqual([p.width, p.height]);
  for (let i = 0; i < p.width * p.height; i++) {
    expect(map.data[i]).toBe((p.data[3 * i] ?? 0) + 1000 * (p.data[3 * i + 1] ?? 0) + 1);
  }
}

describe('augment', () => {
  it('changes nothing when all is off', () => {
    const same = augment(image, labels, Random.fromSeed(1), still);
    expect(same.image.data).toEqual(image.data);
    expect(same.labels.data).toEqual(labels.data);
  });

  it('moves image and labels together', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const variant = augment(image, labels, Random.fromSeed(seed), {
        ...still,
        flips: true,
        quarterTurns: true,
        minCrop: 0.5,
      });
      together(variant);
      const { width, height } = variant.image;
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(Math.round(11 * 0.5));
      expect(Math.max(width, height)).toBeLessThanOrEqual(17);
      seen.add(variant.image.data.join());
    }
    expect(seen.size).toBeGreaterThan(50);
  });

  it('draws all eight ways to lie', () => {
    const square = marked(5, 5);
    const seen = new Set<string>();
    for (let seed = 0; seed < 120; seed++) {
      const variant = augment(square.image, square.labels, Random.fromSeed(seed), {
        ...still,
        flips: true,
        quarterTurns: true,
      });
      together(variant);
      seen.add(variant.image.data.join());
    }
    expect(seen.size).toBe(8);
  });

  it('is the same for the same state', () => {
    const draw = () =>
      augment(image, labels, Random.fromSeed(9, 'augment'), {
        flips: true,
        quarterTurns: true,
        minCrop: 0.6,
        brightness: 0.1,
        contrast: 0.2,
      });
    expect(draw()).toEqual(draw());
  });

  it('changes brightness and contrast of the image alone, by one table', () => {
    const toned = augment(image, labels, Random.fromSeed(4), {
      ...still,
      brightness: 0.2,
      contrast: 0.3,
    });
    expect(toned.labels.data).toEqual(labels.data);
    expect(toned.image.data).not.toEqual(image.data);
    const table = new Map<number, number>();
    image.data.forEach((v, i) => {
      const to = toned.image.data[i] as number;
      expect(table.get(v) ?? to).toBe(to);
      table.set(v, to);
    });
  });

  it('crops to where something is', () => {
    const data = new Int32Array(40 * 40);
    data[3 * 40 + 36] = 1;
    const large = marked(40, 40).image;
    for (let seed = 0; seed < 40; seed++) {
      const variant = augment(large, { width: 40, height: 40, data }, Random.fromSeed(seed), {
        ...still,
        minCrop: 0.3,
      });
      expect(variant.labels.data.includes(1)).toBe(true);
    }
  });

  it('moves ignored pixels with the rest, and does not crop to them alone', () => {
    const data = new Int32Array(40 * 40).fill(-1);
    data[3 * 40 + 36] = 1;
    for (let seed = 0; seed < 40; seed++) {
      const variant = augment(marked(40, 40).image, { width: 40, height: 40, data }, Random.fromSeed(seed), {
        ...still,
        flips: true,
        quarterTurns: true,
        minCrop: 0.3,
      });
      expect(variant.labels.data.filter((v) => v !== -1)).toEqual(Int32Array.of(1));
    }
  });

  it('crops at the own scale to an object that is large enough', () => {
    const data = new Int32Array(100 * 80);
    for (let y = 60; y < 64; y++) data.fill(1, y * 100 + 90, y * 100 + 94);
    data[5 * 100 + 5] = 2;
    const runs = runsOf({ width: 100, height: 80, data });
    const crops = {
      side: 30,
      leastArea: 4,
      objects: [
        { area: 16, box: [90, 60, 94, 64] },
        { area: 1, box: [5, 5, 6, 6] },
      ],
    } as const;
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { view } = drawVariant(runs, 0, Random.fromSeed(seed), { ...still, minCrop: 0.5 }, crops);
      expect(view.width).toBe(view.height);
      expect(view.width).toBeGreaterThanOrEqual(15);
      expect(view.width).toBeLessThanOrEqual(30);
      expect(view.x0 <= 92 && 92 <= view.x0 + view.width && view.x0 + view.width <= 100).toBe(true);
      expect(view.y0 <= 62 && 62 <= view.y0 + view.height && view.y0 + view.height <= 80).toBe(true);
      seen.add(`${view.x0} ${view.y0}`);
    }
    expect(seen.size).toBeGreaterThan(20);
    const { view } = drawVariant(runs, 0, Random.fromSeed(1), still, { ...crops, objects: [] });
    expect([view.width, view.height]).toEqual([30, 30]);
  });
});

it('names the eight ways to see a whole image in its own tone, and no other variant', () => {
  const namesWith = (settings: Partial<AugmentSettings>) => {
    const random = Random.fromSeed(3);
    const used = { ...still, ...settings };
    const names = Array.from({ length: 200 }, () =>
      repeatedVariant(drawVariant(runsOf(labels), 90, random, used), labels),
    );
    expect(names.every((name) => name !== null)).toBe(variantsRepeat(used));
    return new Set(names).size;
  };
  expect(namesWith({})).toBe(1);
  expect(namesWith({ flips: true })).toBe(4);
  expect(namesWith({ flips: true, quarterTurns: true })).toBe(8);
  expect(namesWith({ brightness: 0.1 }), 'none').toBe(1);
  expect(namesWith({ contrast: 0.1 }), 'none').toBe(1);
  namesWith({ minCrop: 0.9 });
});
