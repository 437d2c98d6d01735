import { expect, test } from 'vitest';
import { parseTrainConfig } from '../../config/train.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import type { CurrentModel } from '../engine-state.ts';
import { StepTimes, stepKey } from './step-times.ts';

test('the time of a kind of step survives a reload, and the newest one counts', async () => {
  const store = new MemoryStore();
  const times = new StepTimes(store);
  expect(await times.find('a')).toBeNull();
  await times.update('a', 2);
  await times.update('a', 3);
  expect(await new StepTimes(store).find('a')).toBe(3);
});

test('the rate of a device is that of the last run whose arithmetic is known', async () => {
  const store = new MemoryStore();
  const times = new StepTimes(store);
  expect(await times.rateOf('gpu')).toBeNull();
  await times.update('a', 2, { device: 'gpu', flops: 8 });
  await times.update('b', 3);
  expect([await times.rateOf('gpu'), await times.rateOf('other')]).toEqual([4, null]);
  expect(await new StepTimes(store).rateOf('gpu')).toBe(4);
});

test('the best rate of a device is kept from visit to visit, and written where it grew', async () => {
  const store = new MemoryStore();
  const times = new StepTimes(store);
  expect(await times.bestRateOf('gpu', null)).toBeNull();
  expect(await times.bestRateOf('gpu', 100)).toBe(100);
  expect(await times.bestRateOf('gpu', 40), 'a slower hour').toBe(100);
  expect(await new StepTimes(store).bestRateOf('gpu', null)).toBe(100);
  expect(await times.bestRateOf('gpu', 200)).toBe(200);
  expect(await new StepTimes(store).bestRateOf('other', null)).toBeNull();
  expect(await times.rateOf('gpu'), 'which no step was timed on').toBeNull();
});

test('the kinds that were timed longest ago are forgotten', async () => {
  const store = new MemoryStore();
  const times = new StepTimes(store);
  for (let i = 0; i < 200; i++) await times.update(`kind ${i}`, i);
  await times.update('kind 0', 7);
  await times.update('one more', 8);
  const reloaded = new StepTimes(store);
  expect(await reloaded.find('kind 0')).toBe(7);
  expect(await reloaded.find('kind 1')).toBeNull();
  expect(await reloaded.find('one more')).toBe(8);
});

test.each(['{"a": 1', '["a"]', '{"a": "slow"}'])('a file that says %s counts as none', async (text) => {
  const store = new MemoryStore();
  await store.write('step-times.json', new TextEncoder().encode(text));
  const times = new StepTimes(store);
  expect(await times.find('a')).toBeNull();
  await times.update('a', 2);
  expect(await new StepTimes(store).find('a')).toBe(2);
});

test('a kind of step is told by what its time depends on, and by nothing else', () => {
  const model = { info: { hash: 'f'.repeat(64) } } as CurrentModel;
  const mopeft = resolveMopeft({ methods: ['lora'] }, MICRO_SAM);
  const keyOf = (train: Record<string, number | string>, adapter = 'gpu') =>
    stepKey(model, adapter, { mopeft, train: parseTrainConfig(train) });
  expect(keyOf({ steps: 5 })).toBe(keyOf({ steps: 9, seed: 3 }));
  expect(keyOf({ imagesPerStep: 1 })).not.toBe(keyOf({ imagesPerStep: 2 }));
  // Other memory computes other blocks again, halves are unpacked, and what is seen again is kept.
  for (const slower of [{ memory: 200 }, { weights: 'f16' }, { minCrop: 1, brightness: 0, contrast: 0 }])
    expect(keyOf(slower)).not.toBe(keyOf({}));
  expect(keyOf({}, 'other gpu')).not.toBe(keyOf({}));
});
