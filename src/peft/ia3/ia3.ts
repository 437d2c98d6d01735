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
    const factorsOf = (name: string) => tensor(name).map((scale) => 1 + (gate ?? 1) * scale);
    for (const slot of ['k', 'v'] as const) {
      const { weight, bias } = layer(slot);
      scaleRows(weight, factorsOf(SCALES[slot]));
      if (bias) scaleRows(bias, factorsOf(SCALES[slot]));
    }
    // What scales the hidden layer scales the columns of the layer that reads it.
    const { weight, inputs } = layer('lin2');
    const factors = factorsOf(SCALES.gelu);
    for (const [i, value] of weight.entries()) weight[i] = value * (factors[i % inputs] ?? 1);
  },
});
