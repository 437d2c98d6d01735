import { expect, test } from 'vitest';
import { MICRO_SAM } from '../testing/micro-model.ts';
import { capabilitiesFor, PRESETS } from './capabilities.ts';
import { resolveFieldSettings } from './settings.ts';

const sam = { ...MICRO_SAM, encoder: { ...MICRO_SAM.encoder, numHiddenLayers: 4 } };
const capabilities = capabilitiesFor(sam);
const ids = [...capabilities.trainFields, ...capabilities.methods.flatMap(({ fields }) => fields)].map(
  ({ id }) => id,
);
const gateFields = capabilities.gateForms.flatMap(({ id, fields }) =>
  fields.map((field) => `${id} ${field.id}`),
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

test('the share to keep is a field of the gate forms that keep one, and counts for nothing with others', () => {
  expect(gateFields).toEqual(['budget gate.budget', 'budget gate.budgetBy', 'hard gate.budget']);
  const shareOf = (gate: string, values: Record<string, number>) =>
    resolveFieldSettings({ methods: ['lora'], trainDecoder: true, gate, values }, sam).mopeft.budget;
  expect(shareOf('hard', { 'gate.budget': 0.1 })).toBe(0.1);
  expect(shareOf('budget', {})).toBe(0.25);
  expect(shareOf('mass', { 'gate.budget': 0.1 })).toBeUndefined();
  expect(() => shareOf('budget', { 'gate.budget': 2 })).toThrow(/gate\.budget.*from 0.01 to 1/s);
});

test('a value out of range names its setting', () => {
  const wrong = { methods: [], trainDecoder: true, gate: 'none', values: { 'train.steps': 0 } } as const;
  expect(() => resolveFieldSettings(wrong, sam)).toThrow(/train\.steps.*from 1/s);
});
