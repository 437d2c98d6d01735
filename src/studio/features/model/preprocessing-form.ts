import { SAM_PREPROCESSING } from '../../../config/sam.ts';
import type { PreprocessingRecord } from '../../../worker/protocol.ts';

/** A preprocessing as a person edits it; numbers as texts. */
export interface PreprocessingForm {
  readonly aspect: PreprocessingRecord['aspect'];
  readonly kind: PreprocessingRecord['normalisation']['kind'];
  /** Three numbers, separated by commas or spaces. */
  readonly mean: string;
  readonly std: string;
  /** The largest value that mean and deviation are meant for. */
  readonly range: '255' | '1';
}

export function formOf({ aspect, normalisation }: PreprocessingRecord): PreprocessingForm {
  const numbers = normalisation.kind === 'mean-std' ? normalisation : SAM_PREPROCESSING.normalisation;
  const { mean, std, range } =
    numbers.kind === 'mean-std' ? numbers : { mean: [0, 0, 0], std: [1, 1, 1], range: 255 };
  const text = (values: readonly number[]) => values.join(', ');
  return {
    aspect,
    kind: normalisation.kind,
    mean: text(mean),
    std: text(std),
    range: range === 1 ? '1' : '255',
  };
}

/** The preprocessing that a form means, or what is wrong with it. */
export function preprocessingOf(
  form: PreprocessingForm,
):
  | { readonly ok: true; readonly value: PreprocessingRecord }
  | { readonly ok: false; readonly what: string } {
  const { aspect, kind } = form;
  if (kind === 'min-max') return { ok: true, value: { aspect, normalisation: { kind } } };
  const [mean, std] = [numbersOf(form.mean), numbersOf(form.std)];
  if (!mean || !std)
    return { ok: false, what: 'Mean and deviation are three numbers each, for red, green, blue.' };
  if (std.some((value) => value <= 0)) return { ok: false, what: 'Deviations are above 0.' };
  const range = form.range === '1' ? 1 : 255;
  return { ok: true, value: { aspect, normalisation: { kind, mean, std, range } } };
}

function numbersOf(text: string): readonly [number, number, number] | null {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  const [red = Number.NaN, green = Number.NaN, blue = Number.NaN, ...rest] = parts.map(Number);
  const isFine = rest.length === 0 && [red, green, blue].every(Number.isFinite);
  return isFine ? [red, green, blue] : null;
}
