import type { Tensor } from '../../graph/graph.ts';
import { layernorm } from '../../ops/layernorm/layernorm.ts';
import { sliceTokens } from '../../ops/slice-tokens/slice-tokens.ts';
import type { EncoderSite } from '../../sam/site.ts';
import type { LayerTensors } from '../../sam/slots.ts';
import { addGated } from '../gates/add-gated.ts';
import type { Gate } from '../gates/gate-form.ts';
import { defineMethod, type MethodHooks } from '../method.ts';
import { zeros } from '../tensor-spec.ts';

/** Slots of the layers with a bias, and the layers' names. */
const BIASES = [
  ['q', 'attn.q'],
  ['k', 'attn.k'],
  ['v', 'attn.v'],
  ['proj', 'attn.proj'],
  ['lin1', 'mlp.lin1'],
  ['lin2', 'mlp.lin2'],
] as const;
const NORMS = ['norm1', 'norm2'] as const;

/**
 * Bias and norm tuning: BitFit (arXiv 2106.10199) with LayerNorm's weights. Every bias and every norm weight of a block gets a
 * trained difference, b + g·db and w + g·dw, which is 0 at the start and has SAM's name and shape. Where the gate is the same
 * for all images the block's own weights change; where it is not, the same is added to the layers' outputs.
 */
export const biasNorm = defineMethod({
  id: 'bias_norm',
  label: 'Bias and norm',
  help: 'Adjusts the biases and the normalisation of every block: few numbers, no new layers.',
  colourSlot: 3,
  fields: () => ({}) as const,
  tensors: (_, site) =>
    Object.entries(lengths(site)).map(([name, length]) => ({
      name: `bias_norm.${name}`,
      shape: [length],
      decay: false,
      init: zeros,
    })),
  gateReads: 'norm1',
  attach: ({ site, tensor, gatesByImage }): MethodHooks => {
    const change = (name: string) => changeOf(name, site, (own) => tensor(`bias_norm.${own}`));
    if (!gatesByImage) {
      return {
        weight: (name, frozen, gate) => {
          const delta = change(name);
          return delta ? addGated(frozen, delta, gate) : frozen;
        },
      };
    }
    const bias =
      (layer: string) =>
      ({ output }: LayerTensors, gate: Gate) => {
        const delta = change(`${layer}.bias`);
        return delta ? addGated(output, delta, gate) : output;
      };
    const norm =
      (layer: string) =>
      ({ input, output }: LayerTensors, gate: Gate) => {
        // A LayerNorm with the differences as its weight and bias: x̂·dw + db.
        const [dw, db] = [tensor(`bias_norm.${layer}.weight`), tensor(`bias_norm.${layer}.bias`)];
        return addGated(output, layernorm(input, dw, db, site.layerNormEps), gate);
      };
    return Object.fromEntries([
      ...NORMS.map((slot) => [slot, norm(slot)]),
      ...BIASES.map(([slot, layer]) => [slot, bias(layer)]),
    ]);
  },
});

/** Lengths of the tensors, by SAM's names in the block. */
function lengths({
  width,
  attentionWidth,
  mlpWidth,
  qkvBias,
}: EncoderSite): Readonly<Record<string, number>> {
  return {
    'norm1.weight': width,
    'norm1.bias': width,
    'norm2.weight': width,
    'norm2.bias': width,
    ...(qkvBias && { 'attn.qkv.bias': 3 * attentionWidth }),
    'attn.proj.bias': width,
    'mlp.lin1.bias': mlpWidth,
    'mlp.lin2.bias': width,
  };
}

/** The difference for a weight by the engine's name, where q, k and v are apart; null for weights that do not change. */
function changeOf(name: string, site: EncoderSite, tensor: (name: string) => Tensor): Tensor | null {
  const own = lengths(site);
  if (name in own) return tensor(name);
  const part = ['attn.q.bias', 'attn.k.bias', 'attn.v.bias'].indexOf(name);
  if (part < 0 || !site.qkvBias) return null;
  const { attentionWidth: width } = site;
  return sliceTokens(tensor('attn.qkv.bias').view([1, 3, width]), part, 1).view([width]);
}
