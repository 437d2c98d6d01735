import type { Fusion, FusionContext } from '../graph/fuse.ts';
import type { Node, Tensor } from '../graph/graph.ts';
import { lastOf, rowsOf, sizeOf } from '../graph/shape.ts';
import { ACCUMULATIONS, accumulated, accumulation } from './accumulation-fusion.ts';
import { partialProductOp } from './matmul/fused.ts';
import type { MatmulAttributes } from './matmul/matmul.ts';
import { MOST_INPUTS, MOST_TERMS, type PartialTerm, partialProductsOp } from './matmul/partial-products.ts';

/**
 * Nodes that a product may be moved past, since what it reads lives longer for it: few, and more for one that takes no time by
 * itself, with so few columns.
 */
const NEAR = 6;
const NARROW_NEAR = 12;
const NARROW = 16;

/** Gradients of several small weights that are left in parts and only added up: in one dispatch, side by side. */
export function partialsTogether(node: Node, context: FusionContext): Fusion | null {
  const first = partialOf(node, context);
  if (!first) return null;
  const group = [first];
  const within = first.isNarrow ? NARROW_NEAR : NEAR;
  for (const next of context.following(node, [partialProductOp], within)) {
    const other = partialOf(next, context);
    const isLike =
      other?.splits === first.splits && other.rows === first.rows && other.isNarrow === first.isNarrow;
    if (isLike && group.length < MOST_TERMS && inputsOf([...group, other]).length <= MOST_INPUTS)
      group.push(other);
  }
  if (group.length === 1) return null;
  const inputs = inputsOf(group);
  const place = (tensor: Tensor) => inputs.findIndex(({ root }) => root === tensor.root);
  const terms = group.map(({ a, b, sums }): PartialTerm => ({ a: place(a), b: place(b), sums }));
  const columns = group.flatMap(({ targets }) => targets).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const x = first.a.graph.value([first.splits, columns]);
  return {
    replaces: group.flatMap(({ nodes }) => nodes),
    op: partialProductsOp,
    attrs: { splits: first.splits, terms },
    inputs: Array.from({ length: MOST_INPUTS }, (_, i) => inputs[i] ?? null),
    outputs: [x],
    after: accumulation([{ targets: group.flatMap(({ targets }) => targets), x }]),
  };
}

/** A product in parts with the node that adds them up, which does nothing else; null where it is no such. */
function partialOf(node: Node, { readersOf, isPrivate }: FusionContext) {
  const [a, b] = node.inputs;
  const [parts, rows] = node.outputs;
  if (node.op !== partialProductOp || !a || !b || !parts) return null;
  const { aT, bT, splits, sums } = node.attrs as MatmulAttributes & { splits: number; sums: boolean };
  const isInFours = lastOf(a.shape) % 4 === 0 && lastOf(b.shape) % 4 === 0;
  const [adding] = isPrivate(parts) ? readersOf(parts) : [];
  if (!aT || bT || !isInFours || !adding || !ACCUMULATIONS.includes(adding.op)) return null;
  const added = accumulated(adding);
  const targets = [parts, ...(rows ? [rows] : [])].map(
    (value) => added.find(({ x, targets: own }) => x.root === value.root && own.length === 1)?.targets[0],
  );
  const [weight, bias] = targets;
  if (!weight || (rows && !bias) || added.length !== targets.length) return null;
  return {
    nodes: [node, adding],
    a,
    b,
    splits,
    sums,
    rows: rowsOf(a.shape),
    isNarrow: Math.min(lastOf(a.shape), lastOf(b.shape)) <= NARROW,
    targets: bias ? [weight, bias] : [weight],
  };
}

type Partial = NonNullable<ReturnType<typeof partialOf>>;

/** What products read, each once. */
function inputsOf(group: readonly Partial[]): Tensor[] {
  const tensors = group.flatMap(({ a, b }) => [a, b]);
  return tensors.filter((tensor, i) => tensors.findIndex(({ root }) => root === tensor.root) === i);
}
