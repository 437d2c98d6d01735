import { expect, test } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { drawnSet, drawSample } from '../testing/training-sets.ts';
import { Batches, type TrainingSet } from './batches.ts';

const config = parseTrainConfig({ imagesPerStep: 3, objectsPerImage: 1, minSize: 0 });

/** A dataset with an object in those loads that `hasObject` names, counted from 1; and the number of loads. */
function counted(hasObject: (load: number) => boolean): { set: TrainingSet; loads: () => number } {
  let loads = 0;
  const sample = drawSample('a', 1);
  const { labelling: _, ...empty } = sample;
  const load = async () => ({ ok: true as const, value: hasObject(++loads) ? sample : empty });
  return { set: { ...drawnSet('a', 1), load }, loads: () => loads };
}

const open = (set: TrainingSet) => Batches.open(MICRO_SAM, config, [set], null);

test('a step takes as many images without an object as it needs, as long as one with an object is among 200', async () => {
  const { set, loads } = counted((load) => load % 200 === 0);
  expect(await open(set).next(() => undefined)).toHaveLength(3);
  expect(loads()).toBe(600);
});

test('a run gives up at 200 images in a row without an object', async () => {
  const { set, loads } = counted((load) => load === 1);
  await expect(open(set).next(() => undefined)).rejects.toMatchObject({
    record: { code: 'train/no-objects', what: expect.stringContaining('200 images in a row') },
  });
  expect(loads()).toBe(201);
});
