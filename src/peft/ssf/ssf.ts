import { add } from '../../ops/add/add.ts';
import { multiply } from '../../ops/multiply/multiply.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import { addGated } from '../gates/add-gated.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod } from '../method.ts';
import { scaleRows } from '../scale-rows.ts';
import { zeros } from '../tensor-spec.ts';

/** The layers whose output it scales and shifts, in the order in which they run. */
const LAYERS = ['norm1', 'q', 'k', 'v', 'proj', 'norm2', 'lin1', 'lin2'] as const;
type Layer = (typeof LAYERS)[number];

/**
 * SSF (arXiv 2210.08823): scales and shifts the features behind every norm and linear layer of a block, y += g · (y ⊙ s + t),
 * a number each a channel. s, t = 0 at the start, so that it begins as the base model; the paper draws its scales around 1. Keys
 * are not shifted: the same added to all keys changes no softmax.
 */
export const ssf = defineMethod({
  id: 'ssf',
  label: 'Scale and shift',
  help: 'Scales and shifts every channel behind the layers of a block (SSF): few numbers, no new layers.',
  colourSlot: 7,
  fields: () => ({}) as const,
  tensors: (_, site) =>
    LAYERS.flatMap((layer) =>
      (isShifted(layer, site) ? ['scale', 'shift'] : ['scale']).map((part) => ({
        name: `ssf.${layer}.${part}`,
        shape: [widthOf(layer, site)],
        decay: false,
        init: zeros,
      })),
    ),
  gateReads: 'norm1',
  attach: ({ site, tensor }) => {
    const change =
      (layer: Layer) =>
      ({ output }: LayerTensors, gate: Gate) => {
        const scaled = multiply(output, tensor(`ssf.${layer}.scale`));
        const delta = isShifted(layer, site) ? add(scaled, tensor(`ssf.${layer}.shift`)) : scaled;
        return addGated(output, delta, gate);
      };
    return Object.fromEntries(LAYERS.map((layer) => [layer, change(layer)]));
  },
  merge: ({ site, gate, tensor, layer, norm }) => {
    for (const name of LAYERS) {
      const { weight, bias } = name === 'norm1' || name === 'norm2' ? norm(name) : layer(name);
      const factors = tensor(`ssf.${name}.scale`).map((scale) => 1 + (gate ?? 1) * scale);
      scaleRows(weight, factors);
      if (!bias) continue;
      scaleRows(bias, factors);
      if (!isShifted(name, site)) continue;
      for (const [row, shift] of tensor(`ssf.${name}.shift`).entries())
        bias[row] = (bias[row] ?? 0) + (gate ?? 1) * shift;
    }
  },
});

/** Whether a layer is shifted too: not keys, and where SAM has no bias of queries and values, not these. */
function isShifted(layer: Layer, { qkvBias }: EncoderSite): boolean {
  return layer !== 'k' && (qkvBias || (layer !== 'q' && layer !== 'v'));
}

function widthOf(layer: Layer, { width, attentionWidth, mlpWidth }: EncoderSite): number {
  switch (layer) {
    case 'q':
    case 'k':
    case 'v':
      return attentionWidth;
    case 'lin1':
      return mlpWidth;
    case 'norm1':
    case 'proj':
    case 'norm2':
    case 'lin2':
      return width;
  }
}
