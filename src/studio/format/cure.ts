import type { FailureRecord } from '../../worker/protocol.ts';

/** What the studio calls that which a cure asks for; a model's prefix is asked by buttons, and only where it is unknown. */
const CONTROLS: Readonly<Record<NonNullable<FailureRecord['asks']>, string | null>> = {
  prefix: null,
  loraAlpha: '“lora_alpha”',
  decoderHeads: '“Heads of the mask decoder”',
  adapter: '“Import an adapter …” on the Export page',
};

/** A cure with the name of the control that it needs. */
export function cureText({ cure, asks }: Pick<FailureRecord, 'cure' | 'asks'>): string {
  const control = asks && CONTROLS[asks];
  return control ? `${cure.replace(/\.$/, '')} (${control}).` : cure;
}
