import { multiply } from '../../ops/multiply/multiply.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import { addGated } from '../gates/add-gated.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod } from '../method.ts';
import { scaleRows } from '../scale-rows.ts';
import { zeros } from '../tensor-spec.ts';

/** Names of the tensors by the layer whose output they scale. */
const SCALES = { k: 'ia3.k', v: 'ia3.v', gelu: 'ia3.ff' } as const;

/**
 * IA³ (arXiv 2205.05638): scales keys, values and the hidden layer of the MLP, y += g · y ⊙ l, a number a channel. l is the
 * difference from 1, 0 at the start.
 */
export const ia3 = defineMethod({
  id: 'ia3',
  label: 'IA³',
  help: 'Scales keys, values and the middle of the MLP of every block: the fewest numbers of all methods.',
  colourSlot: 8,
  fields: () => ({}) as const,
  tensors: (_, { attentionWidth, mlpWidth }) =>
    Object.entries(SCALES).map(([layer, name]) => ({
      name,
      shape: [layer === 'gelu' ? mlpWidth : attentionWidth],
      decay: false,
      init: zeros,
    })),
  gateReads: 'norm1',
  attach: ({ tensor }) => {
    const change =
      (name: string) =>
      ({ output }: LayerTensors, gate: Gate) =>
        addGated(output, multiply(output, tensor(name)), gate);
    return Object.fromEntries(Object.entries(SCALES).map(([layer, name]) => [layer, change(name)]));
  },
  merge: ({ gate, tensor, layer }) => {
    const factorsOf = (name: string) => factors(tensor(name), gate);
    for (const slot of ['k', 'v'] as const) {
      const { weight, bias } = layer(slot);
      scaleRows(weight, factorsOf(SCALES[slot]));
      if (bias) scaleRows(bias, factorsOf(SCALES[slot]));
    }
    // What scales the hidden layer scales the columns of the layer that reads it.
    const { weight, inputs } = layer('lin2');
    const columns = factorsOf(SCALES.gelu);
    for (const [i, value] of weight.entries()) weight[i] = value * (columns[i % inputs] ?? 1);
  },
  peft: {
    type: 'IA3',
    layers: ({ site: { attentionWidth, mlpWidth }, gate, tensor }) => {
      // Of the fused projection the queries' third is left as it is.
      const scales = new Float32Array(3 * attentionWidth).fill(1);
      scales.set(factors(tensor(SCALES.k), gate), attentionWidth);
      scales.set(factors(tensor(SCALES.v), gate), 2 * attentionWidth);
      const hidden = factors(tensor(SCALES.gelu), gate);
      return [
        { layer: 'attn.qkv', tensors: { ia3_l: { shape: [3 * attentionWidth, 1], data: scales } } },
        // As a feed-forward layer, whose input is scaled.
        { layer: 'mlp.lin2', tensors: { ia3_l: { shape: [1, mlpWidth], data: hidden } } },
      ];
    },
  },
});

/** What outputs are multiplied by, from their differences to 1. */
function factors(differences: Float32Array, gate: number | null): Float32Array {
  return differences.map((value) => 1 + (gate ?? 1) * value);
}
