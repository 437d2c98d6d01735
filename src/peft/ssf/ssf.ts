import type { Tensor } from '../../graph/graph.ts';
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
  attach: ({ site, tensor, gatesByImage }) => {
    const scaled = (layer: Layer, x: Tensor) => multiply(x, tensor(`ssf.${layer}.scale`));
    const changed = (layer: Layer, x: Tensor, gate: Gate) => {
      const delta = scaled(layer, x);
      return addGated(x, isShifted(layer, site) ? add(delta, tensor(`ssf.${layer}.shift`)) : delta, gate);
    };
    const hooks = (layers: readonly Layer[]) =>
      Object.fromEntries(
        layers.map((layer) => [
          layer,
          ({ output }: LayerTensors, gate: Gate) => changed(layer, output, gate),
        ]),
      );
    if (gatesByImage) return hooks(LAYERS);
    return {
      ...hooks(LAYERS.filter((layer) => !isNorm(layer))),
      // The norms' own weights: few numbers in place of the features, and a TinyViT fills up its windows with the bias.
      weight: (name, frozen, gate) => {
        const [layer = '', part] = name.split('.');
        if (!isNorm(layer)) return frozen;
        return part === 'bias' ? changed(layer, frozen, gate) : addGated(frozen, scaled(layer, frozen), gate);
      },
    };
  },
  merge: ({ site, gate, tensor, layer, norm }) => {
    for (const name of LAYERS) {
      const { weight, bias } = isNorm(name) ? norm(name) : layer(name);
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

const isNorm = (layer: string): layer is 'norm1' | 'norm2' => layer === 'norm1' || layer === 'norm2';

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
