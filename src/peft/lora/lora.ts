import { add } from '../../ops/add/add.ts';
import { gated } from '../../ops/gated-add/gated-add.ts';
import { linear } from '../../ops/linear/linear.ts';
import { scale } from '../../ops/scale/scale.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod, type PeftContext, type PeftLayer } from '../method.ts';
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
  peft: { type: 'LORA', layers: peftLayers },
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

interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: keyof typeof LORA_TARGETS;
}

/**
 * PEFT changes SAM's fused `qkv` as one layer: what q, k and v get each becomes one pair whose A holds theirs one below the
 * other, and whose B has each in its own rows and columns. The factor is in B, so that PEFT's scale is 1.
 */
function peftLayers({ settings, site, gate, tensor }: PeftContext<LoraSettings>): PeftLayer[] {
  const { rank } = settings;
  const factor = gate ?? scaleOf(settings);
  const targets: readonly LoraLayer[] = LORA_TARGETS[settings.targets];
  const pair = (layer: LoraLayer) => ({
    a: tensor(`lora.${layer}.A`),
    b: tensor(`lora.${layer}.B`).map((value) => factor * value),
  });
  const fused = (['q', 'k', 'v'] as const).filter((layer) => targets.includes(layer));
  const { input, output } = loraWidths('q', site);
  const all = fused.length * rank;
  const a = new Float32Array(all * input);
  const b = new Float32Array(3 * output * all);
  for (const [i, layer] of fused.entries()) {
    const own = pair(layer);
    a.set(own.a, i * rank * input);
    const first = ['q', 'k', 'v'].indexOf(layer) * output;
    for (let row = 0; row < output; row++)
      b.set(own.b.subarray(row * rank, (row + 1) * rank), (first + row) * all + i * rank);
  }
  const layers = { proj: 'attn.proj', lin1: 'mlp.lin1', lin2: 'mlp.lin2' } as const;
  return [
    {
      layer: 'attn.qkv',
      tensors: peftPair({ shape: [all, input], data: a }, { shape: [3 * output, all], data: b }),
    },
    ...(['proj', 'lin1', 'lin2'] as const)
      .filter((layer) => targets.includes(layer))
      .map((layer): PeftLayer => {
        const widths = loraWidths(layer, site);
        const own = pair(layer);
        return {
          layer: layers[layer],
          tensors: peftPair(
            { shape: [rank, widths.input], data: own.a },
            { shape: [widths.output, rank], data: own.b },
          ),
        };
      }),
  ];
}

function peftPair(a: HostTensor, b: HostTensor): PeftLayer['tensors'] {
  return { 'lora_A.weight': a, 'lora_B.weight': b };
}
