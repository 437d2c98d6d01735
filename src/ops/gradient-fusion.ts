import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { lastOf, rowsOf, sizeOf } from '../graph/shape.ts';
import { accumulateOp } from './accumulate/accumulate.ts';
import { accumulation } from './accumulation-fusion.ts';
import { accumulateProductOp, partialProductOp } from './matmul/fused.ts';
import { matmulSplits } from './matmul/kernels.ts';
import { linearBackwardOp, linearBackwardWork } from './matmul/linear-backward.ts';
import { type MatmulAttributes, matmulProblem } from './matmul/matmul.ts';
import { bareProduct, productOf } from './product-fusion.ts';
import { sumLeadingOp } from './sum-leading/sum-leading.ts';

/**
 * target += product, with the bias's gradient where it is the sum of the same rows. Where K is split the parts are left, so
 * that those of several products are added up at once.
 */
export function productThenAccumulate(
  node: Node,
  context: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
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
export function gradientsTogether(node: Node, { readersOf }: FusionContext): Fusion | null {
  const isSplit = node.op === partialProductOp;
  const layout = node.attrs as MatmulAttributes;
  if ((!isSplit && node.op !== accumulateProductOp) || !layout.aT || layout.bT) return null;
  const [target, sums, dout, x] = isSplit ? [null, null, ...node.inputs] : node.inputs;
  if (!dout || !x || dout.shape.length !== 2 || x.shape.length !== 2) return null;
  const [R, N, K] = [rowsOf(dout.shape), lastOf(dout.shape), lastOf(x.shape)];
  if (N % 4 > 0 || K % 4 > 0 || N > MOST_OUTPUTS) return null;
  if (isSplit && linearBackwardWork(R, N, K) > MOST_AT_ONCE) return null;
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
