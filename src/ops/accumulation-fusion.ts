import type { AdapterTraits } from '../gpu/traits.ts';
import type { Fusion, FusionContext, FusionRule } from '../graph/fuse.ts';
import type { AnyOp, Node, Tensor } from '../graph/graph.ts';
import type { Attributes } from '../graph/pass.ts';
import { lastOf, sizeOf } from '../graph/shape.ts';
import { accumulateOp } from './accumulate/accumulate.ts';
import { accumulateSumsOp, fitsOneNode } from './accumulate/sums.ts';
import { layernormBackwardOp } from './layernorm/layernorm.ts';
import { gatedPairBackwardOp } from './prepend-tokens/pair.ts';
import { slicesOf as slicesOfSum } from './sum-leading/reduce.ts';
import { leadingReduction, sumLeadingOp } from './sum-leading/sum-leading.ts';
import { tokenGateParamsOp } from './token-gate/token-gate.ts';

/** How what is added to gradients becomes fewer nodes: sums are left in parts, and those of several added up at once. */
export const ACCUMULATION_RULES: readonly FusionRule[] = [
  prefixGradientsThenAccumulate,
  normaliseGradientsThenAccumulate,
  gateGradientsThenAccumulate,
  gateGradientsTogether,
  sumThenAccumulate,
  accumulateTogether,
];

/** Rows of `x` that are summed onto targets whose columns stand side by side. */
export interface Accumulated {
  readonly targets: readonly Tensor[];
  readonly x: Tensor;
}

/** A node that adds sums to their targets; those of most targets come first, so that few pipelines serve all. */
export function accumulation(sums: readonly Accumulated[]) {
  const order = [...sums].sort((a, b) => b.targets.length - a.targets.length);
  const filled = (tensors: readonly Tensor[], length: number) =>
    Array.from({ length }, (_, i) => tensors[i] ?? null);
  return {
    op: accumulateSumsOp,
    attrs: { targets: order.map(({ targets }) => targets.length) },
    inputs: [
      ...filled(
        order.map(({ x }) => x),
        4,
      ),
      ...filled(
        order.flatMap(({ targets }) => targets),
        6,
      ),
    ],
  };
}

/** What a node adds to its targets. */
export function accumulated({ op, inputs, attrs }: Node): Accumulated[] {
  if (op === accumulateOp) {
    const [target, x] = inputs;
    return target && x ? [{ targets: [target], x }] : [];
  }
  const given = inputs.filter((tensor) => tensor !== null);
  const { targets: counts } = attrs as { targets: readonly number[] };
  let next = counts.length;
  return given.slice(0, next).map((x, i) => {
    next += counts[i] ?? 0;
    return { targets: given.slice(next - (counts[i] ?? 0), next), x };
  });
}

/** The accumulator to which a value is added, and by which node; null where anything else reads it. */
function onlyAccumulated(tensor: Tensor | undefined, { readersOf, isPrivate }: FusionContext) {
  const [node] = tensor && isPrivate(tensor) ? readersOf(tensor) : [];
  const target = node?.inputs[0];
  return node?.op === accumulateOp && target ? { node, target } : null;
}

/** Two gradients that come as sums over slices, one beside the other: the sums are left to the accumulation. */
function slicesThenAccumulate(
  node: Node,
  [first, second]: readonly (Tensor | undefined)[],
  attrs: Attributes,
  slices: number,
  kept: readonly Tensor[],
  context: FusionContext,
): Fusion | null {
  const [a, b] = [onlyAccumulated(first, context), onlyAccumulated(second, context)];
  if (!a || !b || !first || !second) return null;
  const sums = first.graph.value([slices, sizeOf(first.shape) + sizeOf(second.shape)]);
  return {
    replaces: [node, a.node, b.node],
    op: node.op,
    attrs,
    inputs: node.inputs,
    outputs: [...kept, sums],
    after: accumulation([{ targets: [a.target, b.target], x: sums }]),
  };
}

/** The gradients of a gated prefix, added up where they are made. */
function prefixGradientsThenAccumulate(node: Node, context: FusionContext): Fusion | null {
  const [dgate, dp, dq] = node.outputs;
  if (node.op !== gatedPairBackwardOp || !dgate) return null;
  const [ofP, ofQ] = [onlyAccumulated(dp, context), onlyAccumulated(dq, context)];
  if (!ofP || !ofQ || ofP.target.root === ofQ.target.root) return null;
  return {
    replaces: [node, ofP.node, ofQ.node],
    op: node.op,
    attrs: node.attrs,
    inputs: [...node.inputs.slice(0, 5), ofP.target, ofQ.target],
    outputs: [dgate],
  };
}

function normaliseGradientsThenAccumulate(node: Node, context: FusionContext): Fusion | null {
  const [dx, ...params] = node.outputs;
  if (node.op !== layernormBackwardOp || params.length !== 2 || !dx) return null;
  const attrs = { params: 'sums' };
  return slicesThenAccumulate(node, params, attrs, slicesOf(node, attrs), [dx], context);
}

function gateGradientsThenAccumulate(node: Node, context: FusionContext): Fusion | null {
  if (node.op !== tokenGateParamsOp || node.outputs.length !== 2) return null;
  const attrs = { sums: true };
  return slicesThenAccumulate(node, node.outputs, attrs, slicesOf(node, attrs), [], context);
}

/** Those of two gates that read the same. */
function gateGradientsTogether(node: Node, { readersOf }: FusionContext): Fusion | null {
  const [u, ...own] = node.inputs;
  const isAlone = ({ op, attrs, inputs }: Node) =>
    op === tokenGateParamsOp && (attrs as { sums: boolean }).sums && !inputs[3];
  if (!u || !isAlone(node)) return null;
  const second = readersOf(u).find((other) => other !== node && other.phase === node.phase && isAlone(other));
  if (!second) return null;
  return {
    replaces: [node, second],
    op: node.op,
    attrs: node.attrs,
    inputs: [u, ...own.slice(0, 2), ...second.inputs.slice(1, 3)],
    outputs: [...node.outputs, ...second.outputs],
  };
}

/** Rows of the sums that an op gives with these attributes. */
function slicesOf({ op, inputs }: Node, attrs: Attributes): number {
  const sums =
    op
      .shapes(
        inputs.map((tensor) => tensor?.shape ?? null),
        attrs,
      )
      .at(-1) ?? [];
  return sizeOf(sums) / lastOf(sums);
}

/** Rows that are summed while they are added up; longer sums have slices of their own first. */
const MOST_ROWS = 256;

/** target += the sum over leading axes. */
function sumThenAccumulate(node: Node, { producerOf, isPrivate }: FusionContext): Fusion | null {
  const [target, total] = node.inputs;
  const sum = node.op === accumulateOp && total && isPrivate(total) ? producerOf(total) : null;
  const [x] = sum?.inputs ?? [];
  if (sum?.op !== sumLeadingOp || !x || !target || sizeOf(x.shape) > MOST_ROWS * sizeOf(target.shape))
    return null;
  return { replaces: [sum, node], ...accumulation([{ targets: [target], x }]), outputs: [] };
}

/** The same for a long sum: its slices are added up by the accumulation. */
export function slicedSumThenAccumulate(
  node: Node,
  { producerOf, isPrivate }: FusionContext,
  traits: AdapterTraits,
): Fusion | null {
  const [target, total] = node.inputs;
  const sum = node.op === accumulateOp && total && isPrivate(total) ? producerOf(total) : null;
  const [x] = sum?.inputs ?? [];
  if (sum?.op !== sumLeadingOp || !x || !total || !target) return null;
  const { keep } = sum.attrs as { keep: number };
  const slices = slicesOfSum(leadingReduction(x.shape, keep), traits);
  if (slices === 1 || slices > MOST_ROWS || 'slices' in sum.attrs) return null;
  const parts = x.graph.value([slices, ...x.shape.slice(x.shape.length - keep)]);
  return {
    replaces: [sum, node],
    op: sum.op,
    attrs: { keep, slices },
    inputs: [x],
    outputs: [parts],
    after: accumulation([{ targets: [target], x: parts }]),
  };
}

export const ACCUMULATIONS: readonly AnyOp[] = [accumulateOp, accumulateSumsOp];

/** Values from which on a target is worth a dispatch of its own, in vectors of four. */
const LARGE = 2 ** 17;

/** Accumulations that wait for one another, as long as there is room for their targets. */
function accumulateTogether(node: Node, { following }: FusionContext): Fusion | null {
  if (!ACCUMULATIONS.includes(node.op) || isLarge(node)) return null;
  const together = [node];
  let sums = accumulated(node);
  for (const next of following(node, ACCUMULATIONS)) {
    const more = [...sums, ...accumulated(next)];
    const roots = more.flatMap(({ targets }) => targets.map(({ root }) => root));
    const isTwice = new Set(roots).size < roots.length;
    if (isLarge(next) || isTwice || !fitsOneNode(accumulation(more).attrs.targets)) continue;
    together.push(next);
    sums = more;
  }
  if (together.length === 1) return null;
  return { replaces: together, ...accumulation(sums), outputs: [] };
}

function isLarge(node: Node): boolean {
  return accumulated(node).some(({ targets }) => targets.some(({ shape }) => sizeOf(shape) > LARGE));
}
