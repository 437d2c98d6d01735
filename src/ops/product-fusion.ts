import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { lastOf, rowsOf, sameShape, sizeOf } from '../graph/shape.ts';
import { type ActivationKind, activationBackwardOp, activationOp } from './activation/activation.ts';
import { addOp } from './add/add.ts';
import { gatedAddOp, gatedOp } from './gated-add/gated-add.ts';
import { linearOp } from './linear/linear.ts';
import { type ProductAttributes, productOp } from './matmul/fused.ts';
import { matmulOp, matmulProblem } from './matmul/matmul.ts';
import { gatedPairOp, linearPairOp, pairOf } from './matmul/pair.ts';
import { isTerm, type ProductSumAttributes, productSumOp } from './matmul/terms.ts';
import { TILES } from './matmul/tiles.ts';
import { type WindowAttributes, windowUnpartitionOp } from './window-partition/window-partition.ts';

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
export function productOf({ op, inputs, attrs, outputs }: Node): Product | null {
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
export function bareProduct(
  tensor: Tensor | null | undefined,
  context: FusionContext,
): [Node, Product] | null {
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

export function productThenActivation(node: Node, context: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const [out] = node.outputs;
  const found = node.op === activationOp ? bareProduct(x, context) : null;
  if (!found || !x || !out) return null;
  const { kind } = node.attrs as { kind: ActivationKind };
  const kept = context.isPrivate(x) ? [] : [x.root];
  return extended([found[0], node], found[1], { attrs: { activation: kind } }, out, kept);
}

/** x + gate · product, or without x. */
export function productThenGate(node: Node, context: FusionContext): Fusion | null {
  if (node.op !== gatedAddOp && node.op !== gatedOp) return null;
  const [x, d, gate] = node.op === gatedOp ? [null, ...node.inputs] : node.inputs;
  const [out] = node.outputs;
  const found = bareProduct(d, context);
  if (!found || x === undefined || !d || !gate || !out) return null;
  const kept = context.isPrivate(d) ? [] : [d.root];
  return extended([found[0], node], found[1], { gate, other: x }, out, kept);
}

/** product · activation'(x). */
export function productThenDerivative(node: Node, context: FusionContext): Fusion | null {
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
export function productThenAdd(node: Node, context: FusionContext): Fusion | null {
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
export function productsTogether(
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
export function productSumThenImages(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [x] = node.inputs;
  const made = node.op === windowUnpartitionOp && x && isPrivate(x) ? producerOf(x) : null;
  if (made?.op !== productSumOp || made.outputs[0]?.root !== x?.root) return null;
  const attrs = { ...made.attrs, windows: node.attrs as WindowAttributes };
  return { replaces: [made, node], op: made.op, attrs, inputs: made.inputs, outputs: node.outputs };
}

/** product + y, beside the product, which is read elsewhere. */
export function productAndSum(node: Node, context: FusionContext): Fusion | null {
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

/** Nodes that the second of a pair may be moved past, since what it gives lives longer for it. */
const NEAR = 4;

/** Two linear layers of the same sizes, neither of which reads what the other gives. */
export function linearsTogether(node: Node, context: FusionContext, traits: AdapterTraits): Fusion | null {
  const first = layerOf(node, traits);
  if (!first) return null;
  for (const next of context.following(node, [linearOp], NEAR)) {
    const second = layerOf(next, traits);
    if (!second || Boolean(first.bias) !== Boolean(second.bias)) continue;
    if (!sameShape(first.x.shape, second.x.shape) || !sameShape(first.weight.shape, second.weight.shape))
      continue;
    return {
      replaces: [node, next],
      op: linearPairOp,
      attrs: {},
      inputs: [first.x, first.weight, first.bias, second.x, second.weight, second.bias],
      outputs: [first.out, second.out],
    };
  }
  return null;
}

function layerOf({ op, inputs, outputs }: Node, traits: AdapterTraits) {
  const [x, weight, bias = null] = inputs;
  const [out] = outputs;
  if (op !== linearOp || !x || !weight || !out) return null;
  const problem = matmulProblem([rowsOf(x.shape), lastOf(x.shape)], weight.shape, { aT: false, bT: true });
  return pairOf(problem, traits) ? { x, weight, bias, out } : null;
}

/** Two linear layers of the same sizes that read the same, behind the same gate: LoRA's ways down. */
export function gatedTogether(node: Node, context: FusionContext, traits: AdapterTraits): Fusion | null {
  const first = gatedLayerOf(node, traits);
  if (!first) return null;
  for (const next of context.readersOf(first.a)) {
    const second = next !== node && next.phase === node.phase ? gatedLayerOf(next, traits) : null;
    if (!second || second.a.root !== first.a.root || second.gate.root !== first.gate.root) continue;
    if (!sameShape(first.b.shape, second.b.shape) || first.b.root === second.b.root) continue;
    return {
      replaces: [node, next],
      op: gatedPairOp,
      attrs: {},
      inputs: [first.a, first.b, second.b, first.gate],
      outputs: [first.out, second.out, first.kept, second.kept],
    };
  }
  return null;
}

function gatedLayerOf(node: Node, traits: AdapterTraits) {
  const product = node.op === productOp ? productOf(node) : null;
  const [out, kept] = product?.outputs ?? [];
  if (!product?.gate || !out || !kept || product.bias || product.other || product.attrs.activation)
    return null;
  const { a, b, gate } = product;
  const problem = matmulProblem(a.shape, b.shape, product.attrs);
  return pairOf(problem, traits) === TILES.parts ? { a, b, gate, out, kept } : null;
}
