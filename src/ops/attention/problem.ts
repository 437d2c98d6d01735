import type { AdapterTraits } from '../../gpu/traits.ts';
import type { Binding, PassContext } from '../../graph/pass.ts';
import { type AttentionAttributes, type AttentionSizes, attentionSizes } from './sizes.ts';

/** What a pass of attention is made for. */
export interface AttentionProblem {
  readonly sizes: AttentionSizes;
  readonly attrs: AttentionAttributes;
  readonly hasRel: boolean;
  readonly hasBias: boolean;
  readonly traits: AdapterTraits;
}

/** Reads off what a pass is made for; q, k, relPos and bias are inputs 0, 1, 3 and 5 of every op that asks. */
export function problemOf({
  inputs: [q, k, , relPos, , bias],
  attrs,
  traits,
}: PassContext<AttentionAttributes>): AttentionProblem {
  if (!q || !k) throw new RangeError('attention: q and k');
  return {
    sizes: attentionSizes(q, k, attrs),
    attrs,
    hasRel: Boolean(relPos),
    hasBias: Boolean(bias),
    traits,
  };
}

/**
 * The shaders' binding of relPos or of bias, of which there is at most one. A shader must have every binding; where both
 * are absent it gets q, which it then does not read.
 */
export function positionBinding({ hasRel, hasBias }: AttentionProblem): Binding {
  return { input: hasRel ? 3 : hasBias ? 5 : 0 };
}
