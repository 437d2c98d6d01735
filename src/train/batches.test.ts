import { expect, test } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import { bytesOfRuns } from '../data/label-runs.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawnSet, drawSample, drawSource } from '../testing/training-sets.ts';
import { Batches } from './batches.ts';
import type { TrainingSet } from './training-set.ts';

const config = parseTrainConfig({ imagesPerStep: 3, objectsPerImage: 1, minSize: 0 });

/** A dataset with an object in those images that `hasObject` names, by the order of their first load from 1. */
function counted(count: number, hasObject: (load: number) => boolean) {
  let loads = 0;
  const sample = drawSample('a', 1);
  const { labelling: _, ...empty } = sample;
  const load = async () => ({ ok: true as const, value: hasObject(++loads) ? sample : empty });
  return { set: { ...drawnSet('a', 1, count), load }, loads: () => loads };
}

const open = (set: TrainingSet, cacheBytes = 0) => Batches.open(MICRO_SAM, config, [set], null, cacheBytes);

test('a step takes as many images without an object as it needs, as long as one with an object is among 200', async () => {
  const { set, loads } = counted(700, (load) => load % 200 === 0);
  expect((await open(set).next()).images).toHaveLength(3);
  expect(loads()).toBe(600);
});

test('a run gives up at 200 images in a row whose objects are too small', async () => {
  const { set, loads } = counted(700, () => true);
  const batches = Batches.open(MICRO_SAM, { ...config, minSize: 1024 }, [set], null, 0);
  expect(await batches.next()).toMatchObject({
    images: [],
    failure: { code: 'train/no-objects', what: expect.stringContaining('200 images in a row') },
  });
  expect(loads()).toBe(200);
});

test('a run gives up at 200 images in a row that cannot be read, and says why', async () => {
  const refusal = {
    ...{ file: 'a.png', code: 'storage/missing', severity: 'refused' as const },
    ...{ reason: 'The file is not in storage.', cure: 'Import it again.' },
  };
  const set = { ...drawnSet('a', 1, 9), load: async () => ({ ok: false as const, refusal }) };
  const { images, failure } = await Batches.open(MICRO_SAM, config, [set], null, 0).next();
  expect(images).toEqual([]);
  expect(failure).toMatchObject({
    code: 'storage/missing',
    what: '200 images in a row could not be read, this one last: The file is not in storage.',
    where: expect.stringMatching(/^Set a, train\d\.png$/),
    cure: 'Import it again.',
  });
});

test('images without an object are passed over however many there are, and said where there are no others', async () => {
  const set = (objects: readonly string[]): TrainingSet => {
    const drawn = drawnSet('a', 1, 600);
    const { labelling: _, ...empty } = drawSample('none', 1);
    const load = async (name: string) => ({
      ok: true as const,
      value: objects.includes(name) ? drawSample(name, 1) : empty,
    });
    return { ...drawn, load };
  };
  const rare = open(set(drawnSet('a', 1, 600).split.train.slice(0, 1)));
  for (let step = 0; step < 3; step++) expect((await rare.next()).images).toHaveLength(3);
  const { images, failure } = await open(set([])).next();
  expect(images).toEqual([]);
  expect(failure?.what).toBe('No training image has an object: all of their masks are empty.');
});

test('images are decoded once while they fit the budget, and batches do not depend on it', async () => {
  const [kept, decoded] = [counted(5, () => true), counted(5, () => true)];
  const [cached, uncached] = [open(kept.set, 2 ** 20), open(decoded.set)];
  for (let step = 0; step < 10; step++) expect(await cached.next()).toEqual(await uncached.next());
  expect(kept.loads()).toBe(5);
  expect(decoded.loads()).toBeGreaterThan(20);
});

test('an image has a key where its view comes again, and the same key stands for the same input', async () => {
  const still = { ...config, minCrop: 1, brightness: 0, contrast: 0 };
  const inputs = new Map<string, Float32Array>();
  const keysOf = async (settings: typeof config) => {
    const batches = Batches.open(
      MICRO_SAM,
      settings,
      [drawnSet('a', 1, 2), drawnSet('b', 2, 1)],
      null,
      2 ** 20,
    );
    const keys: (string | undefined)[] = [];
    for (let step = 0; step < 60; step++) {
      for (const { key, input } of (await batches.next()).images) {
        keys.push(key);
        if (key !== undefined) expect(inputs.get(key) ?? input).toEqual(input);
        if (key !== undefined) inputs.set(key, input);
      }
    }
    return new Set(keys);
  };
  expect((await keysOf(still)).size, 'three images in eight ways').toBe(3 * 8);
  expect((await keysOf({ ...still, flips: false, quarterTurns: false })).size).toBe(3);
  expect(inputs.size, 'the same keys in both').toBe(3 * 8);
  for (const changed of [{ brightness: 0.1 }, { contrast: 0.1 }])
    expect(await keysOf({ ...still, ...changed })).toEqual(new Set([undefined]));
  expect(await keysOf({ ...still, minCrop: 0.5 })).toContain(undefined);
});

test('what is kept stays within the budget over 500 batches', async () => {
  const { image, labels } = drawSource('a', 1);
  const one = image.data.length + bytesOfRuns(labels);
  const budget = 3.5 * one;
  const { set, loads } = counted(12, () => true);
  const batches = open(set, budget);
  const seen = new Set<number>();
  for (let step = 0; step < 500; step++) {
    await batches.next();
    seen.add(batches.cachedBytes);
  }
  expect([...seen]).toEqual([3 * one]);
  expect(loads()).toBeGreaterThan(500);
});
