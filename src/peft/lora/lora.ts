import { add } from '../../ops/add/add.ts';
import { gated } from '../../ops/gated-add/gated-add.ts';
import { linear } from '../../ops/linear/linear.ts';
import { scale } from '../../ops/scale/scale.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod } from '../method.ts';
import { kaimingUniform, zeros } from '../tensor-spec.ts';

/** The linear layers of a block that LoRA can change, in the order in which they run. */
export const LORA_LAYERS = ['q', 'k', 'v', 'proj', 'lin1', 'lin2'] as const;
export type LoraLayer = (typeof LORA_LAYERS)[number];

/** Choices of layers, each of which holds those before it. */
export const LORA_TARGETS = {
  qv: ['q', 'v'],
  qkv: ['q', 'k', 'v'],
  attention: ['q', 'k', 'v', 'proj'],
  all: LORA_LAYERS,
} as const satisfies Readonly<Record<string, readonly LoraLayer[]>>;

/**
 * LoRA (arXiv 2106.09685) on linear layers of a block, by default the query and value projections: for an input u, each layer's
 * output gets g · (u Aᵀ) Bᵀ. With a gate, the gate takes the place of alpha/r.
 */
export const lora = defineMethod({
  id: 'lora',
  label: 'LoRA',
  help: 'Adds a low-rank change to linear layers, by default the query and value projections of attention.',
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
      targets: {
        kind: 'choice',
        label: 'Layers',
        help: 'Which linear layers of a block it changes; with more of them it can learn more and costs more.',
        options: [
          { value: 'qv', label: 'queries and values' },
          { value: 'qkv', label: 'queries, keys and values' },
          { value: 'attention', label: 'all of attention' },
          { value: 'all', label: 'attention and MLP' },
        ],
        default: 'qv',
      },
    }) as const,
  tensors: ({ rank, targets }, site) =>
    LORA_TARGETS[targets].flatMap((layer) => {
      const { input, output } = loraWidths(layer, site);
      return [
        { name: `lora.${layer}.A`, shape: [rank, input], decay: true, init: kaimingUniform(input) },
        { name: `lora.${layer}.B`, shape: [output, rank], decay: true, init: zeros },
      ];
    }),
  gateReads: 'norm1',
  attach: ({ settings, tensor }) => {
    const factor = scaleOf(settings);
    const change =
      (layer: LoraLayer) =>
      ({ input, output }: LayerTensors, { value }: Gate) => {
        const [down, up] = [tensor(`lora.${layer}.A`), tensor(`lora.${layer}.B`)];
        const hidden = linear(input, down, null);
        // The gate scales the few values in between, which gives the same as scaling all that come out.
        return value
          ? add(output, linear(gated(hidden, value), up, null))
          : add(output, scale(linear(hidden, up, null), factor));
      };
    return Object.fromEntries(LORA_TARGETS[settings.targets].map((layer) => [layer, change(layer)]));
  },
  merge: ({ settings, gate, tensor, layer }) => {
    const factor = gate ?? scaleOf(settings);
    for (const slot of LORA_TARGETS[settings.targets]) {
      const [down, up] = [tensor(`lora.${slot}.A`), tensor(`lora.${slot}.B`)];
      const { weight, inputs, outputs } = layer(slot);
      for (let row = 0; row < outputs; row++)
        for (let column = 0; column < inputs; column++) {
          let change = 0;
          for (let r = 0; r < settings.rank; r++)
            change += (up[row * settings.rank + r] ?? 0) * (down[r * inputs + column] ?? 0);
          const at = row * inputs + column;
          weight[at] = (weight[at] ?? 0) + factor * change;
        }
    }
  },
});

/** The widths of a layer that LoRA changes. */
export function loraWidths(
  layer: LoraLayer,
  { width, attentionWidth, mlpWidth }: Pick<EncoderSite, 'width' | 'attentionWidth' | 'mlpWidth'>,
): { readonly input: number; readonly output: number } {
  switch (layer) {
    case 'q':
    case 'k':
    case 'v':
      return { input: width, output: attentionWidth };
    case 'proj':
      return { input: attentionWidth, output: width };
    case 'lin1':
      return { input: width, output: mlpWidth };
    case 'lin2':
      return { input: mlpWidth, output: width };
  }
}

function scaleOf({ rank, alpha }: { readonly rank: number; readonly alpha: number }): number {
  return alpha === 0 ? 1 : alpha / rank;
}
