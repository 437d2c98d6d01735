import type { Tensor } from '../../graph/graph.ts';
import { type BackwardContext, defineOp, type OpCase, type Pass, type PassContext } from '../../graph/op.ts';
import { axis, type Shape, sizeOf } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';
import { type AttentionProblem, deltaPass, forwardPass, keysPass, queriesPass } from './passes.ts';
import { attentionReference } from './reference.ts';
import { type AttentionAttributes, attentionSizes, expectAttention } from './sizes.ts';
import { MOST_FLOPS, splitHeads } from './split-heads.ts';

/**
 * `softmax(q·k/√d + relPos) · v` for every head, never with a whole score matrix.
 * q [M, Nq, C], k and v [M, Nk, C], relPos [M, heads, Nq, gridH+gridW] on the columns from `prefix` on, mass [G]: the
 * prefix columns of window m weigh mass[m/(M/G)]·exp(score); at mass 0 they are skipped and every result is that without
 * prefix, bit for bit. → out [M, Nq, C]; saves log Σ exp of every row, [M, heads, Nq].
 */
export const attentionOp = defineOp({
  name: 'attention',
  inputs: ['q', 'k', 'v', 'relPos', 'mass'],
  optional: ['relPos', 'mass'],
  shapes: (inputs, attrs: AttentionAttributes) => {
    expectAttention(inputs, attrs);
    const [q] = inputs;
    if (!q) throw new RangeError('attention: q');
    return [q, [axis(q, 0), attrs.heads, axis(q, 1)]];
  },
  passes: (context) =>
    short(context, forwardPass(problemOf(context), context.inputs[4] ? axis(context.inputs[4], 0) : null)),
  backward: {
    q: (context) => first(queryGradients(context)),
    k: (context) => first(keyGradients(context)),
    v: (context) => second(keyGradients(context)),
    relPos: (context) => second(queryGradients(context)),
    mass: (context) => massGradient(context),
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

/** Reads off what a pass is made for; q, k and relPos are inputs 0, 1 and 3 of every op here that asks. */
function problemOf({
  inputs: [q, k, , relPos],
  attrs,
  traits,
}: PassContext<AttentionAttributes>): AttentionProblem {
  if (!q || !k) throw new RangeError('attention: q and k');
  return { sizes: attentionSizes(q, k, attrs), attrs, hasRel: Boolean(relPos), traits };
}

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
    mass,
    values,
    ...rest
  }: Pick<OpCase<AttentionAttributes>, 'note' | 'tolerance' | 'values'> & {
    readonly rel?: boolean;
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

/** log Σ exp, Σ dout·out and mass of every row, [M, heads, Nq, 3]: so packed, each backward kernel stays within 8 bindings. */
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

/** Gradients of {@link attentionOp} to q and, where there is one, relPos. */
export const attentionQueriesBackwardOp = defineOp({
  name: 'attentionQueriesBackward',
  inputs: ['q', 'k', 'v', 'relPos', 'dout', 'rows'],
  optional: ['relPos'],
  shapes: ([q, , , relPos], _attrs: AttentionAttributes) => {
    if (!q) throw new RangeError('attentionQueriesBackward: q');
    return relPos ? [q, relPos] : [q];
  },
  scratch: ({ inputs: [, , , relPos] }) => (relPos ? [] : [[1]]),
  passes: (context) => short(context, queriesPass(problemOf(context))),
  backward: { q: 'none', k: 'none', v: 'none', relPos: 'none', dout: 'none', rows: 'none' },
  reference: { checkedBy: 'attention' },
  cases: [],
});

/** Gradients of {@link attentionOp} to k and v. */
export const attentionKeysBackwardOp = defineOp({
  name: 'attentionKeysBackward',
  inputs: ['q', 'k', 'v', 'relPos', 'dout', 'rows'],
  optional: ['relPos'],
  shapes: ([, k], _attrs: AttentionAttributes) => {
    if (!k) throw new RangeError('attentionKeysBackward: k');
    return [k, k];
  },
  passes: (context) => short(context, keysPass(problemOf(context))),
  backward: { q: 'none', k: 'none', v: 'none', relPos: 'none', dout: 'none', rows: 'none' },
  reference: { checkedBy: 'attention' },
  cases: [],
});

/** Gradient of {@link attentionOp} to mass [groups], from the prefix columns alone; finite at mass 0. */
export const attentionMassBackwardOp = defineOp({
  name: 'attentionMassBackward',
  inputs: ['q', 'k', 'v', 'dout', 'rows'],
  shapes: (_inputs, { groups }: AttentionAttributes & { readonly groups: number }) => [[groups]],
  scratch: ({ inputs: [, , , , rows], attrs: { groups } }) => {
    const all = sizeOf(rows ?? []) / 3;
    return [[all], [groups, slicesFor(all / groups)]];
  },
  passes: ({ inputs: [q, k], attrs }) => {
    const { M, Nq, Nk, C, D } = attentionSizes(q ?? [], k ?? [], attrs);
    const { heads, prefix, groups } = attrs;
    const each = (M * heads * Nq) / groups;
    const slices = slicesFor(each);
    return [
      {
        shader: 'attention/dmass',
        constants: { HEADS: heads, D, PREFIX: prefix, NQ: Nq, NK: Nk, SCALE: 1 / Math.sqrt(D) },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { input: 4 }, { scratch: 0 }],
        workgroups: workgroups1d(M * heads * Nq),
        flops: 4 * M * Nq * prefix * C,
      },
      {
        shader: 'reduce/slices',
        constants: { LENGTH: each, SLICES: slices, FACTOR: 1 },
        bindings: [{ scratch: 0 }, { scratch: 1 }],
        workgroups: workgroups1d(groups * slices),
        flops: M * heads * Nq,
      },
      {
        shader: 'reduce/slices',
        constants: { LENGTH: slices, SLICES: 1, FACTOR: 1 },
        bindings: [{ scratch: 1 }, { output: 0 }],
        workgroups: workgroups1d(groups),
        flops: groups * slices,
      },
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

function backwardInputs(context: Context): (Tensor | null)[] {
  const { input, hasInput, dout } = context;
  return [input(0), input(1), input(2), hasInput(3) ? input(3) : null, dout, rowsOf(context)];
}

function queryGradients(context: Context): readonly Tensor[] {
  return context.graph.apply(attentionQueriesBackwardOp, backwardInputs(context), context.attrs);
}

function keyGradients(context: Context): readonly Tensor[] {
  return context.graph.apply(attentionKeysBackwardOp, backwardInputs(context), context.attrs);
}

function massGradient(context: Context): Tensor {
  const { graph, input, dout, attrs } = context;
  return graph.apply1(attentionMassBackwardOp, [input(0), input(1), input(2), dout, rowsOf(context)], {
    ...attrs,
    groups: axis(input(4).shape, 0),
  });
}

function first([tensor]: readonly Tensor[]): Tensor {
  if (!tensor) throw new RangeError('attention: a gradient is missing');
  return tensor;
}

function second([, tensor]: readonly Tensor[]): Tensor {
  if (!tensor) throw new RangeError('attention: a gradient is missing');
  return tensor;
}

/** Attention of every head; see {@link attentionOp}. */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  relPos: Tensor | null,
  mass: Tensor | null,
  attrs: AttentionAttributes,
): Tensor {
  return q.graph.apply1(attentionOp, [q, k, v, relPos, mass], attrs);
}
