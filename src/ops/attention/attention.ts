import { type BackwardContext, defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import type { Pass, PassContext } from '../../graph/pass.ts';
import { axis, type Shape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';
import {
  deltaPass,
  forwardPass,
  goesByProducts,
  keysPass,
  queriesAndRowsPass,
  queriesPass,
} from './passes.ts';
import { problemOf } from './problem.ts';
import { backwardProducts, backwardScratch, forwardProducts, forwardScratch } from './products.ts';
import { attentionReference } from './reference.ts';
import { type AttentionAttributes, attentionSizes, expectAttention } from './sizes.ts';
import { MOST_FLOPS, splitHeads } from './split-heads.ts';

/**
 * `softmax(q·k/√d + relPos + bias) · v` for every head.
 * q [M, Nq, C], k and v [M, Nk, C], relPos [M, heads, Nq, gridH+gridW] on the columns from `prefix` on, mass [G]: the
 * prefix columns of window m count mass[m/(M/G)]·exp(score). At mass 0 they are skipped, and every result equals that
 * without a prefix bit for bit. bias [heads, Nq, Nk−prefix], instead of relPos: the same for all windows, frozen.
 * → out [M, Nq, C]; saves log Σ exp of every row, [M, heads, Nq].
 */
export const attentionOp = defineOp({
  name: 'attention',
  inputs: ['q', 'k', 'v', 'relPos', 'mass', 'bias'],
  optional: ['relPos', 'mass', 'bias'],
  shapes: (inputs, attrs: AttentionAttributes) => {
    expectAttention(inputs, attrs);
    const [q] = inputs;
    if (!q) throw new RangeError('attention: q');
    return [q, [axis(q, 0), attrs.heads, axis(q, 1)]];
  },
  scratch: (context) => {
    const problem = problemOf(context);
    return goesByProducts(problem) ? forwardScratch(problem) : [];
  },
  passes: (context) => {
    const problem = problemOf(context);
    const groups = context.inputs[4] ? axis(context.inputs[4], 0) : null;
    return goesByProducts(problem)
      ? forwardProducts(problem, groups)
      : short(context, forwardPass(problem, groups));
  },
  backward: {
    q: (context) => gradient(context, 0),
    k: (context) => gradient(context, 1),
    v: (context) => gradient(context, 2),
    relPos: (context) => gradient(context, 3),
    mass: (context) => massGradient(context),
    bias: 'none',
  },
  reference: attentionReference,
  cases: [
    attentionCase([1, 1, 1, 1], { heads: 1, prefix: 0, gridW: 1 }),
    attentionCase([2, 3, 5, 7], { heads: 1, prefix: 0, gridW: 5 }, { note: 'an odd head' }),
    attentionCase(
      [2, 13, 11, 12],
      { heads: 2, prefix: 1, gridW: 10 },
      { note: 'a prefix that always counts' },
    ),
    attentionCase([1, 37, 41, 24], { heads: 3, prefix: 0, gridW: 41 }),
    attentionCase([3, 15, 15, 14], { heads: 2, prefix: 0, gridW: 5 }, { rel: true, note: 'a grid of 3 × 5' }),
    attentionCase([4, 9, 14, 16], { heads: 2, prefix: 5, gridW: 3 }, { rel: true, mass: [0.25, 1] }),
    attentionCase([4, 9, 14, 16], { heads: 2, prefix: 5, gridW: 3 }, { rel: true, mass: [0, 1] }),
    attentionCase([3, 49, 50, 24], { heads: 3, prefix: 1, gridW: 7 }, { rel: true, mass: [0.5, 0, 3] }),
    attentionCase([1, 67, 7, 24], { heads: 3, prefix: 0, gridW: 7 }, { note: 'image to tokens' }),
    attentionCase([2, 7, 131, 24], { heads: 3, prefix: 0, gridW: 131 }, { note: 'tokens to image' }),
    attentionCase([1, 5, 6, 160], { heads: 2, prefix: 0, gridW: 6 }, { note: 'the heads of ViT-H' }),
    attentionCase(
      [2, 9, 9, 10],
      { heads: 2, prefix: 0, gridW: 3 },
      { bias: true, note: 'a bias, odd heads' },
    ),
    attentionCase([4, 9, 14, 16], { heads: 2, prefix: 5, gridW: 3 }, { bias: true, mass: [0.25, 1] }),
    attentionCase([3, 49, 49, 24], { heads: 3, prefix: 0, gridW: 7 }, { bias: true, note: 'several tiles' }),
    attentionCase([2, 12, 16, 8], { heads: 1, prefix: 0, gridW: 4 }, { rel: true, note: 'lines in fours' }),
    attentionCase(
      [2, 9, 22, 8],
      { heads: 1, prefix: 6, gridW: 4 },
      { rel: true, mass: [0.5, 0], note: 'the same and a prefix' },
    ),
    attentionCase([2, 5, 17, 8], { heads: 1, prefix: 1, gridW: 16 }, { bias: true, note: 'a bias in fours' }),
    attentionCase(
      [1, 35, 76, 8],
      { heads: 1, prefix: 2, gridW: 37 },
      { rel: true, mass: [0.5], note: 'lines in two parts' },
    ),
    attentionCase(
      [2, 34, 70, 40],
      { heads: 1, prefix: 33, gridW: 37 },
      { bias: true, mass: [0.5], note: 'two chunks of features, and two tiles of prefix' },
    ),
    attentionCase([1, 9, 40, 68], { heads: 1, prefix: 5, gridW: 5 }, { rel: true, note: 'three chunks' }),
    attentionCase(
      [1, 6, 19, 24],
      { heads: 3, prefix: 0, gridW: 19 },
      {
        values: { 0: loud },
        tolerance: 1e-4,
        note: 'scores in the hundreds; exp takes the error of f32 scores of that size',
      },
    ),
  ],
});

/** The dispatches of a pass, short enough for a GPU's watchdog; a software adapter has none. */
function short({ traits }: PassContext<AttentionAttributes>, pass: Pass): readonly Pass[] {
  return traits.isSoftware ? [pass] : splitHeads(pass, MOST_FLOPS);
}

/** A case by [M, Nq, Nk, C]. */
function attentionCase(
  [M, Nq, Nk, C]: readonly [number, number, number, number],
  attrs: AttentionAttributes,
  {
    rel,
    bias,
    mass,
    values,
    ...rest
  }: Pick<OpCase<AttentionAttributes>, 'note' | 'tolerance' | 'values'> & {
    readonly rel?: boolean;
    readonly bias?: boolean;
    readonly mass?: readonly number[];
  } = {},
): OpCase<AttentionAttributes> {
  const gridH = (Nk - attrs.prefix) / attrs.gridW;
  return {
    inputs: [
      [M, Nq, C],
      [M, Nk, C],
      [M, Nk, C],
      rel ? [M, attrs.heads, Nq, gridH + attrs.gridW] : null,
      mass ? [mass.length] : null,
      bias ? [attrs.heads, Nq, Nk - attrs.prefix] : null,
    ],
    attrs,
    values: { ...values, ...(mass && { 4: () => Float64Array.from(mass) }) },
    ...rest,
  };
}

/** Large queries: softmax is nearly one-hot and exp would overflow without the running maximum. */
function loud(shape: Shape): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(60 * Math.sin(1 + 7 * i * i)));
}

/**
 * log Σ exp, Σ dout·out and mass of every row, [M, heads, Nq, 3]: one tensor keeps the backward kernels within 8
 * bindings.
 */
export const attentionDeltaOp = defineOp({
  name: 'attentionDelta',
  inputs: ['dout', 'out', 'lse', 'mass'],
  optional: ['mass'],
  shapes: ([, , lse], _attrs: AttentionAttributes) => {
    if (!lse) throw new RangeError('attentionDelta: lse');
    return [[...lse, 3]];
  },
  passes: ({ inputs: [dout, , , mass], attrs }) => [
    deltaPass(attentionSizes(dout ?? [], dout ?? [], attrs), attrs, mass ? axis(mass, 0) : null),
  ],
  backward: { dout: 'none', out: 'none', lse: 'none', mass: 'none' },
  reference: { checkedBy: 'attention' },
  cases: [],
});

/**
 * Gradients of {@link attentionOp} to q, k, v and, where there is one, relPos: from the rows of {@link attentionDeltaOp}, or from
 * the forward's outputs where the kernels make those rows themselves (`makesRows`).
 */
export const attentionBackwardOp = defineOp({
  name: 'attentionBackward',
  inputs: ['q', 'k', 'v', 'relPos', 'dout', 'bias', 'rows', 'out', 'lse'],
  optional: ['relPos', 'bias', 'rows', 'out', 'lse'],
  shapes: ([q, k, , relPos], _attrs: AttentionAttributes) => {
    if (!q || !k) throw new RangeError('attentionBackward: q and k');
    return relPos ? [q, k, k, relPos] : [q, k, k];
  },
  scratch: (context) => {
    const problem = problemOf(context);
    if (goesByProducts(problem)) return backwardScratch(problem);
    const [, , , , , , rows, , lse] = context.inputs;
    if (!rows) return [[...(lse ?? []), 3]];
    return problem.hasRel ? [] : [[1]];
  },
  passes: (context) => {
    const problem = problemOf(context);
    if (goesByProducts(problem)) return backwardProducts(problem);
    const hasRows = Boolean(context.inputs[6]);
    return [
      ...short(context, hasRows ? queriesPass(problem) : queriesAndRowsPass(problem)),
      ...short(context, keysPass(problem, hasRows ? { input: 6 } : { scratch: 0 })),
    ];
  },
  backward: {
    q: 'none',
    k: 'none',
    v: 'none',
    relPos: 'none',
    dout: 'none',
    bias: 'none',
    rows: 'none',
    out: 'none',
    lse: 'none',
  },
  reference: { checkedBy: 'attention' },
  cases: [],
});

/** Gradient of {@link attentionOp} to mass [groups], from the prefix columns alone; finite at mass 0. */
export const attentionMassBackwardOp = defineOp({
  name: 'attentionMassBackward',
  inputs: ['q', 'k', 'v', 'dout', 'rows'],
  shapes: (_inputs, { groups }: AttentionAttributes & { readonly groups: number }) => [[groups]],
  scratch: ({ inputs: [, , , , rows], attrs: { groups }, traits }) => {
    const all = sizeOf(rows ?? []) / 3;
    return [[all], ...reductionScratch({ batch: groups, length: all / groups, columns: 1 }, traits)];
  },
  passes: ({ inputs: [q, k], attrs, traits }) => {
    const { M, Nq, Nk, C, D } = attentionSizes(q ?? [], k ?? [], attrs);
    const { heads, prefix, groups } = attrs;
    return [
      {
        shader: 'attention/dmass',
        constants: { HEADS: heads, D, PREFIX: prefix, NQ: Nq, NK: Nk, SCALE: 1 / Math.sqrt(D) },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { input: 4 }, { scratch: 0 }],
        workgroups: workgroups1d(M * heads * Nq),
        flops: 4 * M * Nq * prefix * C,
      },
      ...reductionPasses(
        { batch: groups, length: (M * heads * Nq) / groups, columns: 1 },
        { from: { scratch: 0 }, to: { output: 0 }, scratch: 1 },
        traits,
      ),
    ];
  },
  backward: { q: 'none', k: 'none', v: 'none', dout: 'none', rows: 'none' },
  reference: { checkedBy: 'attention' },
  cases: [],
});

type Context = BackwardContext<AttentionAttributes>;

function rowsOf({ graph, output, dout, input, hasInput, attrs }: Context): Tensor {
  return graph.apply1(attentionDeltaOp, [dout, output(0), output(1), hasInput(4) ? input(4) : null], attrs);
}

/** Output `i` of {@link attentionBackwardOp}; the graph makes one node of all who ask. */
function gradient(context: Context, i: number): Tensor {
  const { graph, input, hasInput, dout, attrs } = context;
  const optional = (at: number) => (hasInput(at) ? input(at) : null);
  const rows = rowsOf(context);
  const inputs = [input(0), input(1), input(2), optional(3), dout, optional(5), rows, null, null];
  const tensor = graph.apply(attentionBackwardOp, inputs, attrs)[i];
  if (!tensor) throw new RangeError('attention: a gradient is missing');
  return tensor;
}

function massGradient(context: Context): Tensor {
  const { graph, input, dout, attrs } = context;
  return graph.apply1(attentionMassBackwardOp, [input(0), input(1), input(2), dout, rowsOf(context)], {
    ...attrs,
    groups: axis(input(4).shape, 0),
  });
}

/** What scores and columns may get beside q, k and v. */
interface AttentionExtras {
  readonly relPos?: Tensor | null;
  readonly bias?: Tensor | null;
  readonly mass?: Tensor | null;
}

/** Attention of every head; see {@link attentionOp}. */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { relPos = null, bias = null, mass = null }: AttentionExtras,
  attrs: AttentionAttributes,
): Tensor {
  return q.graph.apply1(attentionOp, [q, k, v, relPos, mass, bias], attrs);
}
