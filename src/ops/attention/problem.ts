import type { AdapterTraits } from '../../gpu/traits.ts';
import type { PassContext } from '../../graph/pass.ts';
import { type AttentionAttributes, type AttentionSizes, attentionSizes } from './sizes.ts';

/** What a pass of attention is made for. */
export interface AttentionProblem {
  readonly sizes: AttentionSizes;
  readonly attrs: AttentionAttributes;
  readonly hasRel: boolean;
  readonly traits: AdapterTraits;
}

/** Reads off what a pass is made for; q, k and relPos are inputs 0, 1 and 3 of every op of attention that asks. */
export function problemOf({
  inputs: [q, k, , relPos],
  attrs,
  traits,
}: PassContext<AttentionAttributes>): AttentionProblem {
  if (!q || !k) throw new RangeError('attention: q and k');
  return { sizes: attentionSizes(q, k, attrs), attrs, hasRel: Boolean(relPos), traits };
}
