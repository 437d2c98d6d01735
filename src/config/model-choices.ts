import * as v from 'valibot';
import type { PreprocessingRecord } from './sam.ts';

const rgb = v.tuple([v.number(), v.number(), v.number()]);

const aspect = v.picklist(['keep', 'stretch']);
const normalisation = v.variant('kind', [
  v.object({ kind: v.literal('mean-std'), mean: rgb, std: rgb, range: v.picklist([1, 255]) }),
  v.object({ kind: v.literal('min-max') }),
]);

/** A stored preprocessing. */
export const PreprocessingSchema = v.object({ aspect, normalisation });

/** What a person decides of a model where its files do not say it, or say it wrongly. */
export interface ModelChoices {
  /** Which of several models in the files: what stands before its tensors' names. */
  readonly prefix?: string;
  /** Whether to load the rest of a model whose tuned layers are not understood. */
  readonly withoutTuned?: boolean;
  /** PEFT's `lora_alpha` of a model whose LoRA is not merged; the scale is this by the rank. */
  readonly loraAlpha?: number;
  /** Heads of the mask decoder's attention. */
  readonly decoderHeads?: number;
  /** Parts of the preprocessing. */
  readonly aspect?: PreprocessingRecord['aspect'];
  readonly normalisation?: PreprocessingRecord['normalisation'];
}

/** Stored {@link ModelChoices}. */
export const ModelChoicesSchema = v.object({
  prefix: v.exactOptional(v.string()),
  withoutTuned: v.exactOptional(v.boolean()),
  loraAlpha: v.exactOptional(v.pipe(v.number(), v.finite())),
  decoderHeads: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  aspect: v.exactOptional(aspect),
  normalisation: v.exactOptional(normalisation),
});
