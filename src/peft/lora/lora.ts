import { linear } from '../../ops/linear/linear.ts';
import { scale } from '../../ops/scale/scale.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import { addGated } from '../gates/add-gated.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod } from '../method.ts';
import { kaimingUniform, zeros } from '../tensor-spec.ts';

/**
 * LoRA (arXiv 2106.09685) on the query and value projections: q += g · (u Aqᵀ) Bqᵀ, v += g · (u Avᵀ) Bvᵀ.
 * With a gate, the gate takes the place of alpha/r.
 */
export const lora = defineMethod({
  id: 'lora',
  label: 'LoRA',
  help: 'Adds a low-rank change to the query and value projections of attention.',
  colourSlot: 0,
  fields: () =>
    ({
      rank: {
        kind: 'integer',
        label: 'Rank',
        help: 'A higher rank can learn more and costs more.',
        min: 1,
        max: 256,
        default: 8,
        unit: '',
      },
      alpha: {
        kind: 'number',
        label: 'Alpha',
        help: 'Scales the change by alpha / rank; 0 leaves it unscaled. With a gate it has no effect.',
        min: 0,
        max: 1024,
        default: 0,
        unit: '',
      },
    }) as const,
  tensors: ({ rank }, { width }) =>
    (['q', 'v'] as const).flatMap((part) => [
      { name: `lora.${part}.A`, shape: [rank, width], decay: true, init: kaimingUniform(width) },
      { name: `lora.${part}.B`, shape: [width, rank], decay: true, init: zeros },
    ]),
  gateReads: 'norm1',
  attach: ({ settings, tensor }) => {
    const factor = scaleOf(settings);
    const change =
      (part: 'q' | 'v') =>
      ({ input, output }: LayerTensors, gate: Gate) => {
        const delta = linear(linear(input, tensor(`lora.${part}.A`), null), tensor(`lora.${part}.B`), null);
        return addGated(output, gate.value ? delta : scale(delta, factor), gate);
      };
    return { q: change('q'), v: change('v') };
  },
});

function scaleOf({ rank, alpha }: { readonly rank: number; readonly alpha: number }): number {
  return alpha === 0 ? 1 : alpha / rank;
}
