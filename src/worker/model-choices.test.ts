import { expect, test } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { keepChoices, keptChoices } from './model-choices.ts';

test('choices are kept as they were made, and none leave nothing behind', async () => {
  const store = new MemoryStore();
  expect(await keptChoices(store)).toEqual({});
  const choices = {
    prefix: 'ema.',
    withoutTuned: true,
    decoderHeads: 4,
    aspect: 'stretch',
    normalisation: { kind: 'mean-std', mean: [0, 0, 0], std: [1, 1, 1], range: 1 },
  } as const;
  await keepChoices(store, choices);
  expect(await keptChoices(store)).toEqual(choices);
  await keepChoices(store, {});
  expect(await store.list('')).toEqual([]);
});

test.each(['{', '[]', '{"aspect": "crop"}', '{"decoderHeads": -1}', 'null'])(
  '%s chooses nothing',
  async (text) => {
    const store = new MemoryStore();
    await store.write('model/choices.json', new TextEncoder().encode(text));
    expect(await keptChoices(store)).toEqual({});
  },
);
