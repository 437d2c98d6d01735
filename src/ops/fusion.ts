import type { AdapterTraits } from '../gpu/traits.ts';
import { type Fusion, type FusionContext, type FusionRule, fuse } from '../graph/fuse.ts';
import type { AnyOp, Graph, Node } from '../graph/graph.ts';
import { lastOf, sizeOf } from '../graph/shape.ts';
import { ACCUMULATION_RULES, slicedSumThenAccumulate } from './accumulation-fusion.ts';
import { addOp } from './add/add.ts';
import { rowsThenGradients } from './attention-fusion.ts';
import { gateRules } from './gate-fusion.ts';
import { gradientsTogether, productThenAccumulate } from './gradient-fusion.ts';
import { layernormBackwardOp } from './layernorm/layernorm.ts';
import { pairsGradients } from './matmul/linear-backward.ts';
import {
  addThenNormalise,
  addThenNormaliseBackward,
  imagesThenNormalise,
  normaliseBackwardThenWindows,
  normaliseThenActivate,
  normaliseThenAdd,
  normaliseThenWindows,
} from './normalise-fusion.ts';
import { parallelLinearBackwardOp } from './parallel-linear/parallel-linear.ts';
import { partialsTogether } from './partial-fusion.ts';
import {
  gatedTogether,
  linearsTogether,
  productAndSum,
  productSumThenImages,
  productsTogether,
  productThenActivation,
  productThenAdd,
  productThenDerivative,
  productThenGate,
} from './product-fusion.ts';
import { relPosBiasBackwardOp } from './rel-pos-bias/rel-pos-bias.ts';
import { depthToSpaceOp } from './space-to-depth/space-to-depth.ts';
import { TOKEN_RULES } from './token-fusion.ts';

/**
 * A traced graph with its gradients, made ready to be planned: on a GPU, nodes that one op can do together become one. A software
 * adapter runs the plain graph, which takes as long and is compiled in a third of the time (docs/measurements/kernels.md).
 */
export function fused(graph: Graph, traits: AdapterTraits): Graph {
  return traits.isSoftware ? graph : fuse(graph, fusionRules(traits));
}

/**
 * The rules, of which all give what the plain ops give: `src/train/fusion.test.ts` compares the two on the graphs that the product
 * runs, by the kernels of either kind of adapter.
 * @param traits decide where K is split, and which ops have a kernel.
 */
export function fusionRules(traits: AdapterTraits): readonly FusionRule[] {
  const ofGpus = (...rules: readonly FusionRule[]) => (pairsGradients(traits) ? rules : []);
  return [
    ...ofGpus(normaliseThenAdd),
    normaliseThenActivate,
    addThenNormalise,
    ...ofGpus(imagesThenNormalise, normaliseThenWindows),
    cellsThenBias,
    gradientThenAdd,
    ...ofGpus(normaliseBackwardThenWindows),
    productThenActivation,
    productThenGate,
    productThenDerivative,
    productThenAdd,
    ...ofGpus(
      (node, context) => productsTogether(node, context, traits),
      productSumThenImages,
      productAndSum,
    ),
    (node, context) => productThenAccumulate(node, context, traits),
    ...ofGpus(gradientsTogether, partialsTogether),
    ...ofGpus(
      (node, context) => linearsTogether(node, context, traits),
      (node, context) => gatedTogether(node, context, traits),
    ),
    (node, context) => rowsThenGradients(node, context, traits),
    ...gateRules(traits),
    ...TOKEN_RULES,
    ...ofGpus(addThenNormaliseBackward),
    (node, context) => slicedSumThenAccumulate(node, context, traits),
    ...ACCUMULATION_RULES,
  ];
}

/** Features as 2 × 2 cells, plus a bias of their channels. */
function cellsThenBias(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x, bias] = node.inputs;
  const cells = node.op === addOp && x && isPrivate(x) ? producerOf(x) : null;
  if (cells?.op !== depthToSpaceOp || cells.inputs[1] || !x || !bias) return null;
  if (sizeOf(bias.shape) !== lastOf(x.shape)) return null;
  const [features] = cells.inputs;
  const inputs = [features ?? null, bias];
  return { replaces: [cells, node], op: cells.op, attrs: {}, inputs, outputs: node.outputs };
}

/** Gradients to which another one can be added, their `more`. */
const GRADIENTS: readonly AnyOp[] = [layernormBackwardOp, parallelLinearBackwardOp, relPosBiasBackwardOp];

/** One of these + another gradient. */
function gradientThenAdd(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  if (node.op !== addOp) return null;
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (!x || !y || !out || sizeOf(x.shape) !== sizeOf(y.shape)) return null;
  for (const [dx, more] of [
    [y, x],
    [x, y],
  ] as const) {
    const made = isPrivate(dx) ? producerOf(dx) : null;
    const [first, ...params] = made?.outputs ?? [];
    if (!made || !GRADIENTS.includes(made.op) || first?.root !== dx.root) continue;
    const place = made.op.inputs.indexOf('more');
    if (made.inputs[place]) continue;
    const inputs = made.op.inputs.map((_, i) =>
      i === place ? more.view(first.shape) : (made.inputs[i] ?? null),
    );
    return { replaces: [made, node], op: made.op, attrs: made.attrs, inputs, outputs: [out, ...params] };
  }
  return null;
}
