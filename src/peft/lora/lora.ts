import type { Tensor } from '../../graph/graph.ts';
import { linear } from '../../ops/linear/linear.ts';
import { scale } from '../../ops/scale/scale.ts';
import { addGated } from '../gate/gate.ts';
import { kaimingUniform, zeros } from '../init.ts';
import { defineMethod, type Gate } from '../method.ts';

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
        help: 'Width of the low-rank change; more can learn more and costs more.',
        min: 1,
        max: 256,
        default: 8,
        unit: '',
      },
      alpha: {
        kind: 'number',
        label: 'Alpha',
        help: 'Without a gate the change is scaled by alpha / rank; 0 means alpha = rank.',
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
  gateReads: 'block.norm',
  attach: ({ settings, tensor }) => {
    const factor = scaleOf(settings);
    const change = (part: 'q' | 'v', input: Tensor, like: Tensor, gate: Gate) => {
      const delta = linear(linear(input, tensor(`lora.${part}.A`), null), tensor(`lora.${part}.B`), null);
      return (gate.value ? delta : scale(delta, factor)).view(like.shape);
    };
    return {
      qkv: (input, { q, k, v }, gate) => ({
        q: addGated(q, change('q', input, q, gate), gate),
        k,
        v: addGated(v, change('v', input, v, gate), gate),
      }),
    };
  },
  merge: {
    kind: 'ungated',
    intoQkv: (qkvWeight, { settings, site: { width }, tensor }) => {
      const { rank } = settings;
      const factor = scaleOf(settings);
      for (const [part, firstRow] of [
        ['q', 0],
        ['v', 2 * width],
      ] as const) {
        const A = tensor(`lora.${part}.A`);
        const B = tensor(`lora.${part}.B`);
        for (let row = 0; row < width; row++) {
          for (let column = 0; column < width; column++) {
            let sum = 0;
            for (let k = 0; k < rank; k++) sum += (B[row * rank + k] ?? 0) * (A[k * width + column] ?? 0);
            const at = (firstRow + row) * width + column;
            qkvWeight[at] = (qkvWeight[at] ?? 0) + factor * sum;
          }
        }
      }
    },
  },
});

function scaleOf({ rank, alpha }: { readonly rank: number; readonly alpha: number }): number {
  return alpha === 0 ? 1 : alpha / rank;
}
