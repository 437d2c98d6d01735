import { type BackwardContext, defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import type { PassContext } from '../../graph/pass.ts';
import { axis, expectShape, lastOf, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { behindPrefix, gatedPairBackwardOp } from '../prepend-tokens/pair.ts';
import { required } from '../required.ts';
import { attentionDeltaOp } from './attention.ts';
import type { AttentionProblem, Prefixes } from './problem.ts';
import { backwardProducts, backwardScratch, forwardProducts, forwardScratch } from './products.ts';
import { attentionReference } from './reference.ts';
import { type AttentionAttributes, expectAttention } from './sizes.ts';

/**
 * `attention` whose keys and values come without the prefix that they stand behind: what `prependPair` would write is laid out
 * with the heads. For adapters on which attention goes by products, in place of both nodes (`src/ops/attention-fusion.ts`). q
 * [M, Nq, C], k and v [M, N, C], keyPrefix and valuePrefix [prefix, C], gate [B] of M/B windows each (without one it is 1), relPos
 * and bias as there. Heads are a multiple of 4 wide. → out [M, Nq, C]; saves log Σ exp of every row, [M, heads, Nq].
 */
export const prefixedAttentionOp = defineOp({
  name: 'prefixedAttention',
  inputs: ['q', 'k', 'v', 'relPos', 'keyPrefix', 'bias', 'valuePrefix', 'gate'],
  optional: ['relPos', 'bias', 'gate'],
  shapes: ([q, k, v, relPos, p, bias, u, gate], attrs: AttentionAttributes) => {
    const [queries, keys, prefix] = [required(q, 'q'), required(k, 'k'), required(p, 'keyPrefix')];
    expectShape(
      sameShape(prefix, u ?? []) &&
        sameShape(prefix, [attrs.prefix, lastOf(keys)]) &&
        sameShape(keys, v ?? []) &&
        axis(keys, 0) % sizeOf(gate ?? [1]) === 0 &&
        (lastOf(keys) / attrs.heads) % 4 === 0,
      'prefixedAttention',
      () => `${show(prefix)} and ${show(u ?? [])} before ${show(keys)} and ${show(v ?? [])}`,
    );
    const all = [axis(keys, 0), attrs.prefix + axis(keys, 1), lastOf(keys)];
    expectAttention([queries, all, all, relPos, null, bias], attrs);
    return [queries, [axis(queries, 0), attrs.heads, axis(queries, 1)]];
  },
  scratch: (context) => forwardScratch(forwardProblem(context)),
  passes: (context) => forwardProducts(forwardProblem(context), null),
  backward: {
    q: (context) => gradient(context, 0),
    k: (context) => gradient(context, 1),
    v: (context) => gradient(context, 2),
    relPos: (context) => gradient(context, 3),
    keyPrefix: (context) => prefixGradient(context, 1),
    bias: 'none',
    valuePrefix: (context) => prefixGradient(context, 2),
    gate: (context) => prefixGradient(context, 0),
  },
  reference: ([q, k, v, relPos, p, bias, u, gate], shapes, attrs) => {
    const keys = required(shapes[1], 'k');
    const [M, N, C] = [axis(keys, 0), axis(keys, 1), lastOf(keys)];
    const [all, values] = [behindPrefix(M, k, p, gate), behindPrefix(M, v, u, gate)];
    const whole = [M, attrs.prefix + N, C];
    return attentionReference([q, all, values, relPos, null, bias], [shapes[0] ?? null, whole], attrs);
  },
  cases: [
    prefixedCase([1, 1, 1, 4], { heads: 1, prefix: 1, gridW: 1 }, { gates: 1 }),
    prefixedCase(
      [6, 13, 10, 12],
      { heads: 3, prefix: 5, gridW: 5 },
      { gates: 2, note: 'windows of a sample' },
    ),
    prefixedCase([2, 9, 12, 16], { heads: 2, prefix: 4, gridW: 4 }, { gates: 2, rel: true }),
    prefixedCase([3, 7, 11, 24], { heads: 3, prefix: 3, gridW: 11 }, { note: 'no gate' }),
    prefixedCase([2, 5, 16, 8], { heads: 1, prefix: 1, gridW: 16 }, { gates: 1, bias: true }),
  ],
});

/** Attributes of the gradient: `groups` is the number of gates, 1 without. */
type BackwardAttributes = AttentionAttributes & { readonly groups: number };

/**
 * Gradients of {@link prefixedAttentionOp}, from the rows of {@link attentionDeltaOp}, to q, k, v and, where there is one, relPos; then
 * to the gated prefixes [groups, prefix, C] of keys and values, each summed over its windows.
 */
export const prefixedAttentionBackwardOp = defineOp({
  name: 'prefixedAttentionBackward',
  inputs: ['q', 'k', 'v', 'relPos', 'dout', 'bias', 'rows', 'keyPrefix', 'valuePrefix', 'gate'],
  optional: ['relPos', 'bias', 'gate'],
  shapes: ([q, k, , relPos], { groups, prefix }: BackwardAttributes) => {
    const [queries, keys] = [required(q, 'q'), required(k, 'k')];
    const front = [groups, prefix, lastOf(keys)];
    return [queries, keys, keys, ...(relPos ? [relPos] : []), front, front];
  },
  scratch: (context) => backwardScratch(backwardProblem(context)),
  passes: (context) => backwardProducts(backwardProblem(context)),
  backward: {
    q: 'none',
    k: 'none',
    v: 'none',
    relPos: 'none',
    dout: 'none',
    bias: 'none',
    rows: 'none',
    keyPrefix: 'none',
    valuePrefix: 'none',
    gate: 'none',
  },
  reference: { checkedBy: 'prefixedAttention' },
  cases: [],
});

function forwardProblem(context: PassContext<AttentionAttributes>): AttentionProblem {
  const [, k, , , , , , gate] = context.inputs;
  return problemBehind(context, {
    keys: { input: 4 },
    values: { input: 6 },
    gate: gate ? { input: 7 } : null,
    windows: axis(k ?? [], 0) / sizeOf(gate ?? [1]),
  });
}

function backwardProblem(context: PassContext<BackwardAttributes>): AttentionProblem {
  const [, k, , , , , , , , gate] = context.inputs;
  return problemBehind(context, {
    keys: { input: 7 },
    values: { input: 8 },
    gate: gate ? { input: 9 } : null,
    windows: axis(k ?? [], 0) / context.attrs.groups,
  });
}

function problemBehind(
  { inputs: [q, k, , relPos, , bias], attrs, traits }: PassContext<AttentionAttributes>,
  prefixes: Prefixes,
): AttentionProblem {
  const [queries, keys] = [required(q, 'q'), required(k, 'k')];
  const [M, Nq, C] = [axis(queries, 0), axis(queries, 1), lastOf(queries)];
  const sizes = { M, Nq, Nk: attrs.prefix + axis(keys, 1), C, D: C / attrs.heads };
  return { sizes, attrs, hasRel: Boolean(relPos), hasBias: Boolean(bias), prefixes, traits };
}

type Context = BackwardContext<AttentionAttributes>;

function gradients({ graph, input, hasInput, dout, output, attrs }: Context): readonly Tensor[] {
  const optional = (at: number) => (hasInput(at) ? input(at) : null);
  const rows = graph.apply1(attentionDeltaOp, [dout, output(0), output(1), null], attrs);
  const gate = optional(7);
  return graph.apply(
    prefixedAttentionBackwardOp,
    [input(0), input(1), input(2), optional(3), dout, optional(5), rows, input(4), input(6), gate],
    { ...attrs, groups: sizeOf(gate?.shape ?? [1]) },
  );
}

function gradient(context: Context, i: number): Tensor {
  const tensor = gradients(context)[i];
  if (!tensor) throw new RangeError('prefixedAttention: a gradient is missing');
  return tensor;
}

/** That of the gate (0), of keyPrefix (1) or of valuePrefix (2). */
function prefixGradient(context: Context, i: number): Tensor {
  const { graph, input, hasInput } = context;
  const [dp, du] = gradients(context).slice(hasInput(3) ? 4 : 3);
  if (!dp || !du) throw new RangeError('prefixedAttention: gradients of prefixes are missing');
  const [p, u] = [input(4), input(6)];
  const tensor = hasInput(7)
    ? graph.apply(gatedPairBackwardOp, [dp, du, p, u, input(7)], {})[i]
    : (i === 1 ? dp : du).view(p.shape);
  if (!tensor) throw new RangeError('prefixedAttention: gradients of prefixes are missing');
  return tensor;
}

/** A case by [M, Nq, N, C]. */
function prefixedCase(
  [M, Nq, N, C]: readonly [number, number, number, number],
  attrs: AttentionAttributes,
  {
    gates,
    rel,
    bias,
    note,
  }: {
    readonly gates?: number;
    readonly rel?: boolean;
    readonly bias?: boolean;
    readonly note?: string;
  } = {},
): OpCase<AttentionAttributes> {
  const prefix: Shape = [attrs.prefix, C];
  return {
    inputs: [
      [M, Nq, C],
      [M, N, C],
      [M, N, C],
      rel ? [M, attrs.heads, Nq, N / attrs.gridW + attrs.gridW] : null,
      prefix,
      bias ? [attrs.heads, Nq, N] : null,
      prefix,
      gates ? [gates] : null,
    ],
    attrs,
    ...(note !== undefined && { note }),
  };
}
