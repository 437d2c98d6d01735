import { expect, test } from 'vitest';
import type { Capabilities, FieldInfo } from '../../worker/protocol.ts';
import { CAPABILITIES } from '../testing/samples.ts';
import { firstSettings, gainSentence, STEPS } from './first-run.ts';

const prompt = (id: string) =>
  ({ id, kind: 'switch', label: id, help: '', default: true }) as const satisfies FieldInfo;
const capabilities: Capabilities = {
  ...CAPABILITIES,
  trainFields: [...CAPABILITIES.trainFields, ...['train.clickPrompts', 'train.boxPrompts'].map(prompt)],
};

test('the run is a usual one with every field told: the mask decoder by clicks, in few steps', () => {
  const { methods, trainDecoder, datasetIds, values } = firstSettings(['cells'], capabilities);
  expect({ methods, trainDecoder, datasetIds }).toEqual({
    methods: [],
    trainDecoder: true,
    datasetIds: ['cells'],
  });
  expect(values).toMatchObject({
    'train.steps': STEPS,
    'train.boxPrompts': false,
    'train.clickPrompts': true,
  });
  expect(Object.keys(values).sort()).toEqual(capabilities.trainFields.map(({ id }) => id).sort());
});

test('the sentence has images, both figures, the interval and the number of objects', () => {
  const measure = { base: 0.561, tuned: 0.891, gainLow: 0.281, gainHigh: 0.394, n: 32, images: 4 };
  expect(gainSentence(measure)).toBe(
    'On 4 images it had not seen, IoU by click went from 0.56 to 0.89 (+0.33, 95 % between +0.28 and +0.39, n = 32 objects).',
  );
});
