import type { AdapterTraits } from '../gpu/traits.ts';
import { type Fusion, type FusionContext, type FusionRule, fuse } from '../graph/fuse.ts';
import type { AnyOp, Graph, Node, Tensor } from '../graph/graph.ts';
import { lastOf, rowsOf, sizeOf } from '../graph/shape.ts';
import { accumulateOp } from './accumulate/accumulate.ts';
import { ACCUMULATION_RULES, accumulation, slicedSumThenAccumulate } from './accumulation-fusion.ts';
import { type ActivationKind, activationBackwardOp, activationOp } from './activation/activation.ts';
import { addOp } from './add/add.ts';
import {
  attentionGradientsThenPrefixes,
  prefixesThenAttention,
  rowsThenGradients,
} from './attention-fusion.ts';
import { gateRules } from './gate-fusion.ts';
import { gatedAddOp, gatedOp } from './gated-add/gated-add.ts';
import {
  type LayernormWindows,
  layernormBackwardOp,
  layernormOp,
  sharesRows,
} from './layernorm/layernorm.ts';
import { linearOp } from './linear/linear.ts';
import { accumulateProductOp, type ProductAttributes, partialProductOp, productOp } from './matmul/fused.ts';
import { matmulSplits } from './matmul/kernels.ts';
import { linearBackwardOp, linearBackwardWork, pairsGradients } from './matmul/linear-backward.ts';
import { type MatmulAttributes, matmulOp, matmulProblem } from './matmul/matmul.ts';
import { isTerm, type ProductSumAttributes, productSumOp } from './matmul/terms.ts';
import { parallelLinearBackwardOp } from './parallel-linear/parallel-linear.ts';
import { relPosBiasBackwardOp } from './rel-pos-bias/rel-pos-bias.ts';
import { depthToSpaceOp } from './space-to-depth/space-to-depth.ts';
import { sumLeadingOp } from './sum-leading/sum-leading.ts';
import { TOKEN_RULES } from './token-fusion.ts';
import {
  type WindowAttributes,
  windowPartitionOp,
  windowUnpartitionOp,
} from './window-partition/window-partition.ts';

/**
 * A traced graph with its gradients, made ready to be planned: nodes that one op can do together become one. The plain
 * ops stay the reference: `src/train/fusion.test.ts` compares the two on the graphs that the product runs.
 */
export function fused(graph: Graph, traits: AdapterTraits): Graph {
  return fuse(graph, rulesFor(traits));
}

/**
 * @param traits decide where K is split. Some rules save a GPU a dispatch and would cost a software adapter a pipeline, which takes
 * long to compile there, or time.
 */
function rulesFor(traits: AdapterTraits): readonly FusionRule[] {
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
    ...ofGpus(gradientsTogether),
    (node, context) => rowsThenGradients(node, context, traits),
    ...gateRules(traits),
    (node, context) => prefixesThenAttention(node, context, traits),
    (node, context) => attentionGradientsThenPrefixes(node, context, traits),
    ...TOKEN_RULES,
    ...ofGpus(addThenNormaliseBackward),
    (node, context) => slicedSumThenAccumulate(node, context, traits),
    ...ACCUMULATION_RULES,
  ];
}

/** A product with what is done to it so far. */
interface Product {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly bias: Tensor | null;
  readonly gate: Tensor | null;
  readonly other: Tensor | null;
  readonly attrs: ProductAttributes;
  readonly outputs: readonly Tensor[];
}

/** A node as a product; null where it is none. */
function productOf({ op, inputs, attrs, outputs }: Node): Product | null {
  const [a, b, bias = null, gate = null, other = null] = inputs;
  if (!a || !b) return null;
  const plain = { activation: null, isDerivative: false, keeps: false };
  switch (op.name) {
    case linearOp.name: {
      const rows = a.view([rowsOf(a.shape), lastOf(a.shape)]);
      return { a: rows, b, bias, gate, other, attrs: { ...plain, aT: false, bT: true }, outputs };
    }
    case matmulOp.name: {
      const { aT, bT } = attrs as ProductAttributes;
      return { a, b, bias: null, gate: null, other: null, attrs: { ...plain, aT, bT }, outputs };
    }
    case productOp.name:
      return { a, b, bias, gate, other, attrs: attrs as ProductAttributes, outputs };
    default:
      return null;
  }
}

/** The product that makes a value, of which nothing but a bias has been done. */
function bareProduct(tensor: Tensor | null | undefined, context: FusionContext): [Node, Product] | null {
  const found = anyProduct(tensor, context);
  if (!found) return null;
  const { gate, other, attrs } = found[1];
  return gate || other || attrs.activation || attrs.keeps ? null : found;
}

function anyProduct(tensor: Tensor | null | undefined, context: FusionContext): [Node, Product] | null {
  const node = tensor ? context.producerOf(tensor) : null;
  const product = node && productOf(node);
  return node && product && product.outputs[0]?.root === tensor?.root ? [node, product] : null;
}

/** A product with more done to it, whose value is `out`; `kept` is the value before. */
function extended(
  replaces: readonly Node[],
  { a, b, bias, gate, other, attrs }: Product,
  change: Partial<Pick<Product, 'gate' | 'other'>> & { readonly attrs?: Partial<ProductAttributes> },
  out: Tensor,
  kept: readonly Tensor[],
): Fusion {
  const more = { gate, other, ...change };
  return {
    replaces,
    op: productOp,
    inputs: [a, b, bias, more.gate, more.other],
    attrs: { ...attrs, ...change.attrs, keeps: kept.length > 0 },
    outputs: [out, ...kept],
  };
}

/** layernorm(x) + y, beside layernorm(x): comes first, since a layernorm has room for one sum, and products for any. */
function normaliseThenAdd(node: Node, { producerOf }: FusionContext): Fusion | null {
  if (node.op !== addOp) return null;
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (!x || !y || !out) return null;
  for (const [value, after] of [
    [x, y],
    [y, x],
  ] as const) {
    const norm = producerOf(value);
    if (norm?.op !== layernormOp || norm.outputs.length > 2 || norm.outputs[0]?.root !== value.root) continue;
    const isSuffix = value === x && sizeOf(x.shape) > sizeOf(y.shape);
    if (!isSuffix && sizeOf(x.shape) !== sizeOf(y.shape)) continue;
    if (lastOf(after.shape) !== lastOf(norm.outputs[0].shape)) continue;
    return {
      replaces: [norm, node],
      op: layernormOp,
      attrs: norm.attrs,
      inputs: [...norm.inputs.slice(0, 3), null, after],
      outputs: [...norm.outputs, out],
    };
  }
  return null;
}

/** activation(layernorm(x)), beside layernorm(x). */
function normaliseThenActivate(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const [out] = node.outputs;
  const norm = node.op === activationOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormOp || norm.outputs.length > 2 || norm.outputs[0]?.root !== x?.root || !out)
    return null;
  const { kind } = node.attrs as { kind: ActivationKind };
  const attrs = { ...norm.attrs, activation: kind };
  return { replaces: [norm, node], op: norm.op, attrs, inputs: norm.inputs, outputs: [...norm.outputs, out] };
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

/** layernorm(x + y): the sum is stored on the way. */
function addThenNormalise(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x, weight, bias, residual] = node.inputs;
  const sum = x && producerOf(x);
  if (node.op !== layernormOp || node.outputs.length > 2 || residual || !x || sum?.op !== addOp) return null;
  const [left, right] = sum.inputs;
  const [out] = sum.outputs;
  if (!left || !right || !out || !weight || !bias || sizeOf(left.shape) !== sizeOf(right.shape)) return null;
  return {
    replaces: [sum, node],
    op: layernormOp,
    attrs: node.attrs,
    inputs: [left.view(x.shape), weight, bias, right.view(x.shape)],
    outputs: [...node.outputs, out],
  };
}

/** layernorm(x + y) of GPUs, where y comes in windows. */
function imagesThenNormalise(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x, , , y] = node.inputs;
  const images = node.op === layernormOp && y && isPrivate(y) ? producerOf(y) : null;
  const [windows] = images?.inputs ?? [];
  if (images?.op !== windowUnpartitionOp || !windows || !x || !canCut(node)) return null;
  const cut: LayernormWindows = { ...(images.attrs as WindowAttributes), at: 'residual' };
  return {
    replaces: [images, node],
    op: node.op,
    attrs: { ...node.attrs, windows: cut },
    inputs: node.inputs.map((tensor, i) => (i === 3 ? windows : tensor)),
    outputs: node.outputs,
  };
}

/** layernorm(x) of GPUs, beside the same in windows. */
function normaliseThenWindows(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const norm = node.op === windowPartitionOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormOp || norm.outputs[0]?.root !== x?.root || !canCut(norm)) return null;
  const cut: LayernormWindows = { ...(node.attrs as WindowAttributes), at: 'output' };
  return {
    replaces: [norm, node],
    op: norm.op,
    attrs: { ...norm.attrs, windows: cut },
    inputs: norm.inputs,
    outputs: [...norm.outputs, ...node.outputs],
  };
}

/** The gradient through a layernorm of GPUs, beside the same in windows. */
function normaliseBackwardThenWindows(node: Node, { producerOf }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const norm = node.op === windowPartitionOp && x ? producerOf(x) : null;
  if (norm?.op !== layernormBackwardOp || norm.outputs.length > 1 || !canCut(norm)) return null;
  const attrs = { ...norm.attrs, windows: node.attrs as WindowAttributes };
  return {
    replaces: [norm, node],
    op: norm.op,
    attrs,
    inputs: norm.inputs,
    outputs: [...norm.outputs, ...node.outputs],
  };
}

/** Whether a layernorm of images, or its gradient, has a kernel for windows, and does nothing after it. */
function canCut({ op, inputs, attrs }: Node): boolean {
  const { windows, activation } = attrs as { windows?: unknown; activation?: unknown };
  const after = op === layernormOp ? inputs[4] : null;
  const shape = inputs[0]?.shape ?? [];
  return !windows && !activation && !after && shape.length === 4 && sharesRows(shape);
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

function productThenActivation(node: Node, context: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const [out] = node.outputs;
  const found = node.op === activationOp ? bareProduct(x, context) : null;
  if (!found || !x || !out) return null;
  const { kind } = node.attrs as { kind: ActivationKind };
  const kept = context.isPrivate(x) ? [] : [x.root];
  return extended([found[0], node], found[1], { attrs: { activation: kind } }, out, kept);
}

/** x + gate · product, or without x. */
function productThenGate(node: Node, context: FusionContext): Fusion | null {
  if (node.op !== gatedAddOp && node.op !== gatedOp) return null;
  const [x, d, gate] = node.op === gatedOp ? [null, ...node.inputs] : node.inputs;
  const [out] = node.outputs;
  const found = bareProduct(d, context);
  if (!found || x === undefined || !d || !gate || !out) return null;
  const kept = context.isPrivate(d) ? [] : [d.root];
  return extended([found[0], node], found[1], { gate, other: x }, out, kept);
}

/** product · activation'(x). */
function productThenDerivative(node: Node, context: FusionContext): Fusion | null {
  const [x, dout] = node.inputs;
  const [out] = node.outputs;
  const found = node.op === activationBackwardOp ? bareProduct(dout, context) : null;
  if (!found || !x || !dout || !out || !context.isPrivate(dout)) return null;
  const { kind } = node.attrs as { kind: ActivationKind };
  return extended(
    [found[0], node],
    found[1],
    { other: x, attrs: { activation: kind, isDerivative: true } },
    out,
    [],
  );
}

/** product + y; of two products the later one. */
function productThenAdd(node: Node, context: FusionContext): Fusion | null {
  if (node.op !== addOp) return null;
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (!x || !y || !out) return null;
  const isWhole = sizeOf(x.shape) === sizeOf(y.shape);
  for (const [value, other] of [
    [y, x],
    [x, y],
  ] as const) {
    const found = context.isPrivate(value) ? anyProduct(value, context) : null;
    if (!found || found[1].other) continue;
    // A suffix has whole rows.
    if (!isWhole && (value === y || lastOf(other.shape) !== lastOf(value.shape))) continue;
    return extended([found[0], node], found[1], { other }, out, found[1].outputs.slice(1));
  }
  return null;
}

/** A product or a sum of some + another one of the same sizes. */
function productsTogether(
  node: Node,
  { producerOf, isPrivate }: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
  const last = node.op === productOp ? sumOf(node, traits) : null;
  const { more, bT } = last ?? {};
  const before = more && isPrivate(more) ? producerOf(more) : null;
  const first = before && sumOf(before, traits);
  if (!last || !before || !first || before.outputs[0]?.root !== more?.root) return null;
  if (first.bT !== bT || sizeOf(more?.shape ?? []) !== sizeOf(node.outputs[0]?.shape ?? [])) return null;
  const terms = [...first.terms, ...last.terms];
  const others = [first.bias, first.more, last.bias].filter(Boolean);
  if (terms.length > 6 || others.length > 1) return null;
  return {
    replaces: [before, node],
    op: productSumOp,
    attrs: { bT },
    inputs: [...terms, null, null].slice(0, 6).concat(others[0] ?? null),
    outputs: node.outputs,
  };
}

/** A node as a sum of products, a and b by turns, with what is added; null where it does more, or by other kernels. */
function sumOf(node: Node, traits: AdapterTraits) {
  if (node.op === productSumOp) {
    const { bT, windows } = node.attrs as ProductSumAttributes;
    const terms = node.inputs.slice(0, 6).filter((tensor) => tensor !== null);
    return windows ? null : { terms, bias: null, more: node.inputs[6] ?? null, bT };
  }
  const product = productOf(node);
  if (!product) return null;
  const { a, b, bias, gate, other, attrs } = product;
  if (gate || attrs.activation || attrs.keeps) return null;
  const problem = matmulProblem(a.shape, b.shape, attrs);
  if (!isTerm(problem, traits)) return null;
  const rows = a.view([problem.M, problem.K]);
  const by = b.view(attrs.bT ? [problem.N, problem.K] : [problem.K, problem.N]);
  return { terms: [rows, by], bias, more: other, bT: attrs.bT };
}

/** A sum of products whose rows are windows, put together to images. */
function productSumThenImages(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const made = node.op === windowUnpartitionOp && x && isPrivate(x) ? producerOf(x) : null;
  if (made?.op !== productSumOp || made.outputs[0]?.root !== x?.root) return null;
  const attrs = { ...made.attrs, windows: node.attrs as WindowAttributes };
  return { replaces: [made, node], op: made.op, attrs, inputs: made.inputs, outputs: node.outputs };
}

/** product + y, beside the product, which is read elsewhere. */
function productAndSum(node: Node, context: FusionContext): Fusion | null {
  const [x, y] = node.inputs;
  const [out] = node.outputs;
  if (node.op !== addOp || !x || !y || !out || sizeOf(x.shape) !== sizeOf(y.shape)) return null;
  for (const [value, other] of [
    [y, x],
    [x, y],
  ] as const) {
    const found = bareProduct(value, context);
    if (found) return extended([found[0], node], found[1], { other }, out, [value.root]);
  }
  return null;
}

/**
 * target += product, with the bias's gradient where it is the sum of the same rows. Where K is split the parts are left, so
 * that those of several products are added up at once.
 */
function productThenAccumulate(node: Node, context: FusionContext, traits: AdapterTraits): Fusion | null {
  const [target, x] = node.inputs;
  const found = node.op === accumulateOp ? bareProduct(x, context) : null;
  if (!found || !target || !x || !context.isPrivate(x)) return null;
  const [product, { a, b, bias, attrs }] = found;
  if (bias) return null;
  const sums = attrs.aT && a.shape.length === 2 ? rowSums(a, context) : null;
  const replaces = [product, node, ...(sums?.nodes ?? [])];
  const problem = matmulProblem(a.shape, b.shape, attrs);
  const splits = problem.batch === 1 ? matmulSplits(problem, traits) : 1;
  const layout = { aT: attrs.aT, bT: attrs.bT };
  if (splits === 1) {
    const inputs = [target, sums?.target ?? null, a, b];
    return { replaces, op: accumulateProductOp, attrs: layout, inputs, outputs: [] };
  }
  const parts = x.graph.value([splits, problem.M * problem.N]);
  const rows = sums && x.graph.value([splits, problem.M]);
  return {
    replaces,
    op: partialProductOp,
    attrs: { ...layout, splits, sums: sums !== null },
    inputs: [a, b],
    outputs: rows ? [parts, rows] : [parts],
    after: accumulation([
      { targets: [target], x: parts },
      ...(sums && rows ? [{ targets: [sums.target], x: rows }] : []),
    ]),
  };
}

/** Outputs from which on the sum over them, which is not split then, takes longer than a dispatch. */
const MOST_OUTPUTS = 512;
/** Multiply-adds from which on products of their own, with larger tiles, take less time. */
const MOST_AT_ONCE = 1e8;

/**
 * Both gradients of a linear layer where a dispatch costs more than it computes: those of its weight and bias, and the one to its
 * input.
 */
function gradientsTogether(node: Node, { readersOf }: FusionContext): Fusion | null {
  const isSplit = node.op === partialProductOp;
  const layout = node.attrs as MatmulAttributes;
  if ((!isSplit && node.op !== accumulateProductOp) || !layout.aT || layout.bT) return null;
  const [target, sums, dout, x] = isSplit ? [null, null, ...node.inputs] : node.inputs;
  if (!dout || !x || dout.shape.length !== 2 || x.shape.length !== 2) return null;
  const [R, N, K] = [rowsOf(dout.shape), lastOf(dout.shape), lastOf(x.shape)];
  if (N > MOST_OUTPUTS || (isSplit && linearBackwardWork(R, N, K) > MOST_AT_ONCE)) return null;
  for (const other of readersOf(dout)) {
    const product = other.phase === node.phase && other !== node ? productOf(other) : null;
    const [dx, ...kept] = product?.outputs ?? [];
    const { a, b, attrs, gate, other: added } = product ?? {};
    if (!product || !dx || !a || !b || !attrs || product.bias || (gate && added)) continue;
    const isGradient = a.root === dout.root && !attrs.aT && !attrs.bT && a.shape.length === 2;
    if (!isGradient || a.shape[0] !== R || a.shape[1] !== N || sizeOf(b.shape) !== N * K) continue;
    if (attrs.activation && !attrs.isDerivative) continue;
    const { splits, sums: hasSums } = node.attrs as { splits?: number; sums?: boolean };
    return {
      replaces: [node, other],
      op: linearBackwardOp,
      attrs: {
        activation: attrs.activation,
        ...(isSplit && { splits, sums: hasSums }),
        ...(gate && { gate: true }),
        ...(kept.length > 0 && { keeps: true }),
      },
      inputs: [a, b, x, gate ?? added ?? null, target ?? null, sums ?? null],
      outputs: [dx, ...node.outputs, ...kept],
    };
  }
  return null;
}

/** The gradient through a layernorm of a sum of two; of GPUs' kernel. */
function addThenNormaliseBackward(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x, weight, stats, dout, more, second] = node.inputs;
  const sum = node.op === layernormBackwardOp && dout && isPrivate(dout) ? producerOf(dout) : null;
  const [a, b] = sum?.inputs ?? [];
  if (sum?.op !== addOp || !a || !b || second || !x || !weight || !stats) return null;
  if (sizeOf(a.shape) !== sizeOf(b.shape) || !sharesRows(x.shape)) return null;
  return {
    replaces: [sum, node],
    op: node.op,
    attrs: node.attrs,
    inputs: [x, weight, stats, a, more ?? null, b],
    outputs: node.outputs,
  };
}

/** Where the sum over the rows of `a` is accumulated, and the nodes that do so. */
function rowSums(a: Tensor, { readersOf, isPrivate }: FusionContext) {
  for (const sum of readersOf(a)) {
    const [total] = sum.outputs;
    if (sum.op !== sumLeadingOp || !total || sizeOf(total.shape) !== lastOf(a.shape) || !isPrivate(total))
      continue;
    const [accumulation] = readersOf(total);
    const target = accumulation?.inputs[0];
    if (accumulation?.op === accumulateOp && target) return { nodes: [sum, accumulation], target };
  }
  return null;
}
