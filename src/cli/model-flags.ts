import type { FailureRecord } from '../config/failure.ts';
import type { ModelChoices } from '../config/model-choices.ts';
import { type PreprocessingRecord, SAM_PREPROCESSING } from '../config/sam.ts';
import { choiceFlag, numberFlag, numbersFlag, wrongArguments } from './arguments.ts';

/** Flags by which a person says what a model's files do not, or say wrongly. */
export const MODEL_FLAGS = {
  'weights-prefix': { type: 'string' },
  'without-tuned': { type: 'boolean' },
  'lora-alpha': { type: 'string' },
  'decoder-heads': { type: 'string' },
  aspect: { type: 'string' },
  normalisation: { type: 'string' },
  mean: { type: 'string' },
  std: { type: 'string' },
  'value-range': { type: 'string' },
} as const;

export const MODEL_USAGE = `  Of a model's files:
      [--weights-prefix P]  of several models in one file, that whose tensors begin with P: ema. for a running mean, '' for
                            none; for a run or an adapter, the one with which it was trained
      [--without-tuned]     without layers of a fine-tuning that is not understood: the base model
  Where its files do not say it: [--lora-alpha N] [--decoder-heads N] [--aspect keep|stretch]
      [--normalisation mean-std|min-max] [--mean R,G,B --std R,G,B [--value-range 255|1]]`;

type Flags = { readonly [K in keyof typeof MODEL_FLAGS]?: string | boolean | undefined };

/** What the flags decide. @throws Failure `cli/arguments`. */
export function modelChoices(flags: Flags, usage: string): ModelChoices {
  const text = (flag: keyof typeof MODEL_FLAGS): string | undefined => {
    const value = flags[flag];
    return typeof value === 'string' ? value : undefined;
  };
  const aspect = choiceFlag(text('aspect'), 'aspect', ['keep', 'stretch'], usage);
  const prefix = text('weights-prefix');
  const loraAlpha = numberFlag(text('lora-alpha'), 'lora-alpha', usage);
  const decoderHeads = numberFlag(text('decoder-heads'), 'decoder-heads', usage, { min: 1, integer: true });
  const normalisation = normalisationOf(text, usage);
  return {
    ...(prefix !== undefined && { prefix }),
    ...(flags['without-tuned'] === true && { withoutTuned: true }),
    ...(loraAlpha !== undefined && { loraAlpha }),
    ...(decoderHeads !== undefined && { decoderHeads }),
    ...(aspect !== undefined && { aspect }),
    ...(normalisation && { normalisation }),
  };
}

function normalisationOf(
  text: (flag: 'normalisation' | 'mean' | 'std' | 'value-range') => string | undefined,
  usage: string,
): ModelChoices['normalisation'] {
  const kind = choiceFlag(text('normalisation'), 'normalisation', ['mean-std', 'min-max'], usage);
  const [mean, std] = [text('mean'), text('std')];
  const range = choiceFlag(text('value-range'), 'value-range', ['255', '1'], usage);
  const numbers = mean !== undefined || std !== undefined || range !== undefined;
  if (kind === 'min-max') {
    if (numbers)
      throw wrongArguments(
        '--mean, --std and --value-range go with mean-std, not min-max',
        'Leave them out, or write --normalisation mean-std',
        usage,
      );
    return { kind };
  }
  if (!numbers) return kind && SAM_PREPROCESSING.normalisation;
  if (mean === undefined || std === undefined)
    throw wrongArguments(
      `${mean === undefined ? '--mean' : '--std'} is missing: --mean and --std go together`,
      'Give both --mean R,G,B and --std R,G,B, or neither',
      usage,
    );
  const [m, s] = [rgbFlag(mean, 'mean', usage), rgbFlag(std, 'std', usage)];
  if (s.some((value) => value <= 0))
    throw wrongArguments(
      `--std is "${std}", which is not above 0`,
      'Write --std with numbers above 0',
      usage,
    );
  // Means of values up to 255 are not below 1 in all channels.
  const usual = m.every((value) => value <= 1) && s.every((value) => value <= 1) ? 1 : 255;
  return { kind: 'mean-std', mean: m, std: s, range: range === undefined ? usual : range === '1' ? 1 : 255 };
}

function rgbFlag(text: string, flag: string, usage: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = numbersFlag(text, flag, [3], usage);
  return [red, green, blue];
}

/** The flags that make these choices. */
export function flagsOf({
  prefix,
  withoutTuned,
  loraAlpha,
  decoderHeads,
  aspect,
  normalisation,
}: ModelChoices): string {
  return [
    ...(prefix === undefined ? [] : [`--weights-prefix ${prefix || "''"}`]),
    ...(withoutTuned ? ['--without-tuned'] : []),
    ...(loraAlpha === undefined ? [] : [`--lora-alpha ${loraAlpha}`]),
    ...(decoderHeads === undefined ? [] : [`--decoder-heads ${decoderHeads}`]),
    ...(aspect ? [`--aspect ${aspect}`] : []),
    ...(normalisation ? normalisationFlags(normalisation) : []),
  ].join(' ');
}

function normalisationFlags(normalisation: PreprocessingRecord['normalisation']): string[] {
  const { kind } = normalisation;
  if (kind === 'min-max' || JSON.stringify(normalisation) === JSON.stringify(SAM_PREPROCESSING.normalisation))
    return [`--normalisation ${kind}`];
  const { mean, std, range } = normalisation;
  return [`--mean ${mean.join(',')} --std ${std.join(',')} --value-range ${range}`];
}

/** What the command line calls that which a cure asks for. */
const ASKED: Readonly<Record<NonNullable<FailureRecord['asks']>, string>> = {
  prefix: '--weights-prefix P',
  loraAlpha: '--lora-alpha N',
  decoderHeads: '--decoder-heads N',
  adapter: '--adapter PATH',
};

/** A failure or a remark with the flags that its cure needs. */
export function withFlags(record: FailureRecord): FailureRecord {
  const { cure, choices, asks, options } = record;
  const prefix = asks === 'prefix' && options?.find((option) => option !== '');
  const asked = prefix ? flagsOf({ prefix }) : asks && ASKED[asks];
  const flags = [...(asked ? [asked] : []), ...(choices ? [flagsOf(choices)] : [])].join(', or ');
  return flags ? { ...record, cure: `${cure.replace(/\.$/, '')} (${flags}).` } : record;
}
