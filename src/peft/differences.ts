import type { Tensor } from '../graph/graph.ts';
import { axis, type Shape, sizeOf } from '../graph/shape.ts';
import { layernorm } from '../ops/layernorm/layernorm.ts';
import { linear } from '../ops/linear/linear.ts';
import { sliceTokens } from '../ops/slice-tokens/slice-tokens.ts';
import type { EncoderSite } from '../sam/site.ts';
import type { LayerTensors } from '../sam/slots.ts';
import { addGated } from './gates/add-gated.ts';
import type { Gate } from './gates/gate-form.ts';
import type { AttachContext, MergeContext, MethodHooks } from './method.ts';
import { type TensorSpec, zeros } from './tensor-spec.ts';

/** Slots of the linear layers, and the layers' names. */
const LINEAR = [
  ['q', 'attn.q'],
  ['k', 'attn.k'],
  ['v', 'attn.v'],
  ['proj', 'attn.proj'],
  ['lin1', 'mlp.lin1'],
  ['lin2', 'mlp.lin2'],
] as const;
const NORMS = ['norm1', 'norm2'] as const;

/** Shapes of the block's biases and norm weights, by SAM's names in the block. */
export function vectorShapes({
  width,
  attentionWidth,
  mlpWidth,
  qkvBias,
}: EncoderSite): Readonly<Record<string, Shape>> {
  return {
    'norm1.weight': [width],
    'norm1.bias': [width],
    'norm2.weight': [width],
    'norm2.bias': [width],
    ...(qkvBias && { 'attn.qkv.bias': [3 * attentionWidth] }),
    'attn.proj.bias': [width],
    'mlp.lin1.bias': [mlpWidth],
    'mlp.lin2.bias': [width],
  };
}

/** Shapes of the block's matrices, by SAM's names in the block. */
export function matrixShapes({
  width,
  attentionWidth,
  mlpWidth,
}: EncoderSite): Readonly<Record<string, Shape>> {
  return {
    'attn.qkv.weight': [3 * attentionWidth, width],
    'attn.proj.weight': [width, attentionWidth],
    'mlp.lin1.weight': [mlpWidth, width],
    'mlp.lin2.weight': [width, mlpWidth],
  };
}

/** The tensors of a method that trains differences from a block's own weights: `id.` and SAM's name, of SAM's shape, 0 at the start. */
export function differenceTensors(
  id: string,
  shapes: Readonly<Record<string, Shape>>,
): readonly TensorSpec[] {
  return Object.entries(shapes).map(([name, shape]) => ({
    name: `${id}.${name}`,
    shape,
    decay: shape.length > 1,
    init: zeros,
  }));
}

/**
 * The hooks of such a method: w + g·dw for each of `shapes`. Where the gate is the same for all images the block's own weights
 * change; where it is not, the same is added to the layers' outputs.
 */
export function attachDifferences(
  id: string,
  shapes: Readonly<Record<string, Shape>>,
  { site, tensor, gatesByImage }: AttachContext<unknown>,
): MethodHooks {
  const difference = (name: string) => differenceOf(name, shapes, (own) => tensor(`${id}.${own}`));
  if (!gatesByImage) {
    return {
      weight: (name, frozen, gate) => {
        const delta = difference(name);
        return delta ? addGated(frozen, delta, gate) : frozen;
      },
    };
  }
  const layer =
    (name: string) =>
    ({ input, output }: LayerTensors, gate: Gate) => {
      const [weight, bias] = [difference(`${name}.weight`), difference(`${name}.bias`)];
      const delta = weight ? linear(input, weight, bias) : bias;
      return delta ? addGated(output, delta, gate) : output;
    };
  const norm =
    (name: string) =>
    ({ input, output }: LayerTensors, gate: Gate) => {
      // A LayerNorm with the differences as its weight and bias: x̂·dw + db.
      const [dw, db] = [tensor(`${id}.${name}.weight`), tensor(`${id}.${name}.bias`)];
      return addGated(output, layernorm(input, dw, db, site.layerNormEps), gate);
    };
  return Object.fromEntries([
    ...NORMS.map((slot) => [slot, norm(slot)]),
    ...LINEAR.map(([slot, name]) => [slot, layer(name)]),
  ]);
}

/** The difference for a weight by the engine's name, where q, k and v are apart; null for weights that do not change. */
function differenceOf(
  name: string,
  shapes: Readonly<Record<string, Shape>>,
  tensor: (name: string) => Tensor,
): Tensor | null {
  if (name in shapes) return tensor(name);
  const [, side = '', kind] = /^attn\.([qkv])\.(weight|bias)$/.exec(name) ?? [];
  const whole = shapes[`attn.qkv.${kind}`];
  if (!whole) return null;
  const part = [axis(whole, 0) / 3, ...whole.slice(1)];
  const pieces = tensor(`attn.qkv.${kind}`).view([1, 3, sizeOf(part)]);
  return sliceTokens(pieces, ['q', 'k', 'v'].indexOf(side), 1).view(part);
}

/** Adds a module of such a method to the block's own weights. */
export function mergeDifferences(
  id: string,
  shapes: Readonly<Record<string, Shape>>,
  { gate, tensor, layer, norm }: MergeContext<unknown>,
): void {
  const add = (weight: Float32Array | null, name: string, from = 0) => {
    if (!weight || !(name in shapes)) return;
    const difference = tensor(`${id}.${name}`);
    for (const [i, value] of weight.entries()) weight[i] = value + (gate ?? 1) * (difference[from + i] ?? 0);
  };
  for (const slot of NORMS) {
    add(norm(slot).weight, `${slot}.weight`);
    add(norm(slot).bias, `${slot}.bias`);
  }
  for (const [slot, name] of LINEAR) {
    const { weight, bias, outputs } = layer(slot);
    const part = ['q', 'k', 'v'].indexOf(slot);
    const own = part < 0 ? name : 'attn.qkv';
    add(weight, `${own}.weight`, Math.max(0, part) * weight.length);
    add(bias, `${own}.bias`, Math.max(0, part) * outputs);
  }
}
