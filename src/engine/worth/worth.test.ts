import { expect, it } from 'vitest';
import type { MopeftConfig } from '../../config/mopeft.ts';
import { isTold } from '../../config/worth.ts';
import { type ModuleId, modulesOf } from '../../peft/modules.ts';
import type { ImageScore } from '../../train/evaluate.ts';
import { expectedMeasurements, measureWorth, worth } from './worth.ts';

const CONFIG: MopeftConfig = {
  methods: { lora: {}, adapter: {} },
  gate: 'unipelt',
  blocks: [0, 1],
  trainDecoder: true,
};

/** All, none, each of four modules, two methods and two blocks, and at most 4 + 3 + 2 + 1 in the greedy curve. */
const MOST = 20;

/** Images whose objects all have the same IoUs, but for a little of their own that pairing takes away. */
function scored(gain: number, images = 3): ImageScore[] {
  return Array.from({ length: images }, (_, i) => ({
    name: `${i}.png`,
    gates: [],
    isReduced: false,
    objects: [0, 1].map((o) => {
      const own = 0.5 + 0.03 * i + 0.01 * o;
      return { boxIou: own + gain, clickIou: own + gain / 2, bestPicked: null };
    }),
  }));
}

/** A model that gains by what is in it. */
function model(gainOf: (has: (method: string, block: number) => boolean) => number) {
  const asked: ModuleId[][] = [];
  return {
    asked,
    measure: async (config: MopeftConfig) => {
      const kept = modulesOf(config).map(({ method, block }) => ({ method: method.id, block }));
      asked.push(kept);
      return scored(gainOf((method, block) => kept.some((m) => m.method === method && m.block === block)));
    },
  };
}

it('gives each module, method and block the IoU that is lost without it', async () => {
  const { measure } = model(
    (has) => (has('lora', 0) ? 0.1 : 0) + (has('lora', 1) ? 0.04 : 0) - (has('adapter', 1) ? 0.02 : 0),
  );
  const report = await measureWorth(CONFIG, measure);
  expect(report).toMatchObject({ images: 3, objects: 6 });
  const box = Object.fromEntries(report.modules.map((m) => [`${m.method} ${m.block}`, m.box]));
  expect(box['lora 0']).toBeCloseTo(0.1);
  expect(box['lora 1']).toBeCloseTo(0.04);
  expect(box['adapter 0']).toBeCloseTo(0);
  expect(box['adapter 1']).toBeCloseTo(-0.02);
  expect(report.modules[0]?.click).toBeCloseTo(0.05);
  expect(report.methods.map(({ method, box }) => [method, Number(box.toFixed(6))])).toEqual([
    ['lora', 0.14],
    ['adapter', -0.02],
  ]);
  expect(report.blocks.map(({ block, box }) => [block, Number(box.toFixed(6))])).toEqual([
    [0, 0.1],
    [1, 0.02],
  ]);
  expect(report.all.box - report.none.box).toBeCloseTo(0.12);
  // Everything of the gain, and more than all modules together have.
  expect(report.greedy.map(({ method, block }) => `${method} ${block}`)).toEqual(['lora 0', 'lora 1']);
});

it('shows by the greedy curve what modules that stand in for each other are worth', async () => {
  const { measure, asked } = model((has) => (has('lora', 0) || has('adapter', 0) ? 0.1 : 0));
  const report = await measureWorth(CONFIG, measure);
  expect(report.modules.every(({ box }) => Math.abs(box) < 1e-12)).toBe(true);
  expect(report.greedy).toHaveLength(1);
  expect(report.greedy[0]).toMatchObject({ block: 0 });
  expect(report.greedy[0]?.box).toBeCloseTo(report.all.box);
  // No set of modules is measured twice.
  expect(new Set(asked.map((kept) => JSON.stringify(kept))).size).toBe(asked.length);
  expect(asked.length).toBeLessThanOrEqual(MOST);
});

it('measures each set of modules once where a method stands alone', async () => {
  const { measure, asked } = model(() => 0);
  const single: MopeftConfig = { ...CONFIG, methods: { lora: {} }, gate: 'none' };
  await measureWorth(single, measure);
  // All, none, and either of two blocks alone.
  expect(asked).toHaveLength(4);
  // What is left of the greedy curve is not known beforehand.
  expect(expectedMeasurements(single)).toBe(4 + 2);
  expect(expectedMeasurements(CONFIG)).toBe(14 + 4);
});

it('refuses a model without modules and a single image', async () => {
  const { measure } = model(() => 0);
  await expect(measureWorth({ ...CONFIG, methods: {}, blocks: [] }, measure)).rejects.toMatchObject({
    record: { code: 'worth/no-module' },
  });
  await expect(measureWorth(CONFIG, async () => scored(0, 1))).rejects.toMatchObject({
    record: { code: 'worth/few-images' },
  });
});

it('takes the error of a change from the spread between images', () => {
  const before = scored(0);
  const same = worth(before, scored(0.1));
  expect(same.box).toBeCloseTo(0.1);
  expect(same.boxError).toBeCloseTo(0);
  // Gains of 0, .1 and .2 on three images of two objects: the deviation of the images' means over the root of three.
  const after = before.map((image, i) => ({
    ...image,
    objects: image.objects.map((object) => ({ ...object, boxIou: object.boxIou + 0.1 * i })),
  }));
  const mixed = worth(before, after);
  expect(mixed.box).toBeCloseTo(0.1);
  expect(mixed.boxError).toBeCloseTo(0.1 / Math.sqrt(3));
  expect(mixed.click).toBe(0);
  expect(isTold(mixed.box, mixed.boxError)).toBe(false);
  expect(isTold(same.box, same.boxError)).toBe(true);
  expect(() => worth(before, before.slice(1))).toThrow('different objects');
});
