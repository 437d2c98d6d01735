import type { Tensor } from '../../graph/graph.ts';
import { gateScale } from '../../ops/gate-scale/gate-scale.ts';
import { attentionGrid, type EncoderSite } from '../../sam/site.ts';
import { defineMethod } from '../method.ts';
import { normal, zeros } from '../tensor-spec.ts';

/**
 * Keys and values of an image are about 1 in size, and learned ones begin at 0: at the rate that suits LoRA they would come
 * to a hundredth of that and never be heard (docs/measurements/gates.md).
 */
const RATE = 50;

/**
 * Prefix tuning (arXiv 2101.00190) as UniPELT has it: P learned keys and values before those of every window.
 * Gate form `unipelt` scales both, K' = [g·P_K ; k], V' = [g·P_V ; v]; form `mass` leaves them as they are and lets their
 * columns weigh g·exp(score) in the softmax.
 */
export const prefix = defineMethod({
  id: 'prefix',
  label: 'Prefix',
  help: 'Puts learned keys and values in front of those of every attention window.',
  colourSlot: 1,
  fields: (sites) =>
    ({
      length: {
        kind: 'integer',
        label: 'Length',
        help: 'Learned tokens per block. More can learn more; keep it below a sixteenth of the tokens in a window.',
        min: 1,
        max: 256,
        default: defaultLength(sites),
        unit: 'tokens',
      },
    }) as const,
  tensors: ({ length }, { attentionWidth }) => [
    { name: 'prefix.K', shape: [length, attentionWidth], decay: true, rate: RATE, init: normal(0.02) },
    { name: 'prefix.V', shape: [length, attentionWidth], decay: true, rate: RATE, init: zeros },
  ],
  // Learned keys take some attention, whatever their values are.
  changesAtStart: true,
  gateReads: 'norm1',
  attach: ({ settings: { length }, site: { attentionWidth }, tensor }) => ({
    prefix: ({ value, insideSoftmax }) => {
      const one = (name: string): Tensor => tensor(name).view([1, length, attentionWidth]);
      if (!value || insideSoftmax) {
        return { key: one('prefix.K'), value: one('prefix.V'), mass: value };
      }
      return {
        key: gateScale(tensor('prefix.K'), value),
        value: gateScale(tensor('prefix.V'), value),
        mass: null,
      };
    },
  }),
});

/** 10, but at most a sixteenth of the tokens of the smallest attention window, and at least 1. */
function defaultLength(sites: readonly EncoderSite[]): number {
  const tokens = sites.map(attentionGrid).map(([height, width]) => height * width);
  return Math.max(1, Math.min(10, Math.floor(Math.min(...tokens) / 16)));
}
