import { expect, test } from 'vitest';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { capabilitiesFor, PRESETS } from './capabilities.ts';
import { resolveFieldSettings } from './settings.ts';

const sam = { ...MICRO_SAM, encoder: { ...MICRO_SAM.encoder, numHiddenLayers: 4 } };
const capabilities = capabilitiesFor(sam);
const ids = [...capabilities.trainFields, ...capabilities.methods.flatMap(({ fields }) => fields)].map(
  ({ id }) => id,
);

test('field ids are unique, and presets name only fields that exist with values that they allow', () => {
  expect(new Set(ids).size).toBe(ids.length);
  for (const preset of PRESETS) {
    for (const id of Object.keys(preset.values)) expect(ids).toContain(id);
    const methods = capabilities.methods.map(({ id }) => id);
    const resolve = () =>
      resolveFieldSettings({ methods, trainDecoder: true, gate: 'unipelt', values: preset.values }, sam);
    expect(resolve).not.toThrow();
  }
});

test('values reach the method and the training that they belong to', () => {
  const { mopeft, train } = resolveFieldSettings(
    {
      methods: ['lora'],
      trainDecoder: false,
      gate: 'none',
      values: { 'train.steps': 7, 'train.blocks': 'late', 'lora.rank': 3, 'adapter.bottleneck': 5 },
    },
    sam,
  );
  expect(train.steps).toBe(7);
  expect(mopeft.methods).toEqual({ lora: { rank: 3, alpha: 0, targets: 'qv' } });
  expect(mopeft.blocks).toEqual([2, 3]);
  expect(mopeft.trainDecoder).toBe(false);
});

test('a value out of range names its setting', () => {
  const wrong = { methods: [], trainDecoder: true, gate: 'none', values: { 'train.steps': 0 } } as const;
  expect(() => resolveFieldSettings(wrong, sam)).toThrow(/train\.steps.*from 1/s);
});
