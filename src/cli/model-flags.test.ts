import { parseArgs } from 'node:util';
import { expect, it } from 'vitest';
import type { ModelChoices } from '../config/model-choices.ts';
import { SAM_PREPROCESSING } from '../config/sam.ts';
import { flagsOf, MODEL_FLAGS, modelChoices, withFlags } from './model-flags.ts';

it.each<ModelChoices>([
  { prefix: 'ema.' },
  { withoutTuned: true, decoderHeads: 4 },
  { loraAlpha: 16 },
  SAM_PREPROCESSING,
  { aspect: 'stretch', normalisation: { kind: 'min-max' } },
  { normalisation: { kind: 'mean-std', mean: [0, 0.5, 1], std: [1, 0.5, 2], range: 1 } },
])('the flags of %j make these choices', (choices) => {
  const args = flagsOf(choices).split(' ');
  expect(modelChoices(parseArgs({ args, options: MODEL_FLAGS }).values, '')).toEqual(choices);
});

it.each([
  [{ asks: 'prefix', options: ['', 'ema.'] }, 'Choose (--weights-prefix ema.).'],
  [{ asks: 'decoderHeads', options: ['1', '2'] }, 'Choose (--decoder-heads N).'],
  [{ asks: 'adapter' }, 'Choose (--adapter PATH).'],
  [{ asks: 'loraAlpha', choices: { withoutTuned: true } }, 'Choose (--lora-alpha N, or --without-tuned).'],
  [{ choices: { withoutTuned: true } }, 'Choose (--without-tuned).'],
  [{}, 'Choose.'],
] as const)('a cure with %j reads %s', (data, cure) => {
  expect(withFlags({ code: 'x', what: 'y', cure: 'Choose.', ...data })).toMatchObject({ cure });
});
