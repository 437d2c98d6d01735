import type { AdapterTraits } from '../../gpu/traits.ts';
import { type BackwardContext, defineOp, type Tensor } from '../../graph/graph.ts';
import type { Binding, Pass } from '../../graph/pass.ts';
import { axis, expectShape, lastOf, rowsOf, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';
import { type Reduction, reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';

/**
 * A gate: the mean over a sample's tokens of `sigmoid(u · weight + bias)`. u [B, .., C], weight [1, C], bias [1] →
 * [B].
 * Saves the sigmoid of every token, [B, tokens]. With weight2 and bias2 a second gate with its sigmoids too; only fused graphs
 * have one (`src/ops/fusion.ts`), so that it has no gradient.
 */
export const tokenGateOp = defineOp({
  name: 'tokenGate',
  inputs: ['u', 'weight', 'bias', 'weight2', 'bias2'],
  optional: ['weight2', 'bias2'],
  shapes: ([u, weight, bias, weight2, bias2]) => {
    if (!u || !weight || !bias) throw new RangeError('tokenGate: u, weight and bias');
    expectShape(
      u.length >= 2 &&
        sameShape(weight, [1, lastOf(u)]) &&
        sameShape(bias, [1]) &&
        (weight2 && bias2 ? sameShape(weight2, weight) && sameShape(bias2, bias) : !weight2 && !bias2),
      'tokenGate',
      () =>
        `weight ${show(weight)} and bias ${show(bias)}, ${show(weight2 ?? [])} and ${show(bias2 ?? [])} for ${show(u)}`,
    );
    const gate = [[axis(u, 0)], [axis(u, 0), rowsOf(u) / axis(u, 0)]];
    return weight2 ? [...gate, ...gate] : gate;
  },
  scratch: ({ inputs: [, , , second] }) => (second ? [] : [[1], [1]]),
  passes: ({ inputs: [u, , , second], outputs: [, open], traits }) => {
    if (!u || !open) throw new RangeError('tokenGate: u');
    return [
      {
        ...tokensKernel(lastOf(u), sizeOf(open), traits),
        constants: { C: lastOf(u), HAS_SECOND: Number(Boolean(second)) },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: second ? 3 : 1 },
          { input: second ? 4 : 2 },
          { output: 1 },
          second ? { output: 3 } : { scratch: 0 },
        ],
        flops: (second ? 4 : 2) * sizeOf(u),
      },
      {
        shader: 'token-gate/means',
        constants: {},
        bindings: [
          { output: 1 },
          second ? { output: 3 } : { input: 2 },
          { output: 0 },
          second ? { output: 2 } : { scratch: 1 },
        ],
        workgroups: [axis(u, 0), 1, second ? 2 : 1],
        flops: (second ? 2 : 1) * sizeOf(open),
      },
    ];
  },
  backward: {
    u: ({ graph, input, output, dout }) =>
      graph
        .apply1(tokenGateBackwardOp, [input(1), output(1), dout, null, null, null, null], {})
        .view(input(0).shape),
    weight: (context) => paramGradients(context)[0].view(context.input(1).shape),
    bias: (context) => paramGradients(context)[1],
    weight2: 'none',
    bias2: 'none',
  },
  reference: ([u, weight, bias, weight2, bias2], [shape]) => {
    if (!u || !weight || !bias || !shape) throw new RangeError('tokenGate: u, weight and bias');
    const B = axis(shape, 0);
    const tokens = u.length / weight.length / B;
    const gate = (w: Float64Array, offset: Float64Array) => {
      const open = Float64Array.from({ length: B * tokens }, (_, t) => {
        const sum = w.reduce((dot, value, c) => dot + value * (u[t * w.length + c] ?? 0), offset[0] ?? 0);
        return 1 / (1 + Math.exp(-sum));
      });
      const means = Float64Array.from(
        { length: B },
        (_, b) => open.subarray(b * tokens, (b + 1) * tokens).reduce((sum, s) => sum + s, 0) / tokens,
      );
      return [means, open];
    };
    return [...gate(weight, bias), ...(weight2 && bias2 ? gate(weight2, bias2) : [])];
  },
  cases: [
    { inputs: [[1, 1], [1, 1], [1], null, null], attrs: {}, note: 'one token' },
    { inputs: [[3, 5, 7], [1, 7], [1], null, null], attrs: {} },
    {
      inputs: [[2, 11, 13, 3], [1, 3], [1], null, null],
      attrs: {},
      note: 'a grid of tokens in several slices',
    },
    { inputs: [[1, 1031, 24], [1, 24], [1], null, null], attrs: {} },
    { inputs: [[2, 37, 24], [1, 24], [1], [1, 24], [1]], attrs: {}, note: 'two gates' },
    { inputs: [[3, 5, 7], [1, 7], [1], [1, 7], [1]], attrs: {}, note: 'two gates, nothing in fours' },
  ],
});

/** Tokens of a thread of `lib/token-gate-backward`. */
const ROWS = 4;

/** Gradient of {@link tokenGateOp} to u; with that of a second gate, and with `more`, of u's size, added to it. */
export const tokenGateBackwardOp = defineOp({
  name: 'tokenGateBackward',
  inputs: ['weight', 'open', 'dout', 'weight2', 'open2', 'dout2', 'more'],
  optional: ['weight2', 'open2', 'dout2', 'more'],
  shapes: ([weight, open, , weight2, open2, dout2, more]) => {
    if (!weight || !open) throw new RangeError('tokenGateBackward: weight and open');
    const du = [...open, lastOf(weight)];
    expectShape(
      (!more || sizeOf(more) === sizeOf(du)) &&
        (weight2 && dout2 ? sameShape(open2 ?? [], open) : !weight2 && !open2 && !dout2),
      'tokenGateBackward',
      () => `a second gate ${show(open2 ?? [])} and ${show(more ?? [])} for ${show(du)}`,
    );
    return [du];
  },
  passes: ({ inputs: [weight, , , second, , , more], outputs: [du] }) => {
    if (!weight || !du) throw new RangeError('tokenGateBackward: weight and du');
    // Not from du, which may be there under another shape.
    const C = lastOf(weight);
    const inFours = C % 4 === 0;
    return [
      {
        shader: inFours ? 'token-gate/backward-fours' : 'token-gate/backward-any',
        constants: { C, HAS_SECOND: Number(Boolean(second)), HAS_MORE: Number(Boolean(more)) },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: second ? 3 : 0 },
          { input: second ? 4 : 1 },
          { input: second ? 5 : 2 },
          { input: more ? 6 : 0 },
          { output: 0 },
        ],
        workgroups: workgroups1d(Math.ceil(sizeOf(du) / C / ROWS) * (inFours ? C / 4 : C)),
        flops: (second ? 11 : 5) * sizeOf(du),
      },
    ];
  },
  backward: {
    weight: 'none',
    open: 'none',
    dout: 'none',
    weight2: 'none',
    open2: 'none',
    dout2: 'none',
    more: 'none',
  },
  reference: ([weight, open, dout, weight2, open2, dout2, more]) => {
    const [C, T, B] = [weight?.length ?? 1, open?.length ?? 0, dout?.length ?? 1];
    const part = (
      w: Float64Array | null | undefined,
      s: Float64Array | null | undefined,
      d: Float64Array | null | undefined,
      t: number,
      c: number,
    ) => {
      const value = s?.[t] ?? 0;
      return ((d?.[Math.floor((t * B) / T)] ?? 0) * B * value * (1 - value) * (w?.[c] ?? 0)) / T;
    };
    return [
      Float64Array.from({ length: T * C }, (_, i) => {
        const [t, c] = [Math.floor(i / C), i % C];
        return part(weight, open, dout, t, c) + part(weight2, open2, dout2, t, c) + (more?.[i] ?? 0);
      }),
    ];
  },
  cases: [
    { inputs: [[1, 7], [3, 5], [3], null, null, null, null], attrs: {} },
    { inputs: [[1, 7], [3, 5], [3], [1, 7], [3, 5], [3], [3, 5, 7]], attrs: {}, note: 'two gates and more' },
    { inputs: [[1, 12], [2, 11], [2], [1, 12], [2, 11], [2], null], attrs: {}, note: 'two gates in fours' },
    { inputs: [[1, 12], [2, 11], [2], null, null, null, [22, 12]], attrs: {}, note: 'one gate and more' },
  ],
});

/**
 * Gradients of {@link tokenGateOp} to weight [C] and bias [1]: first over slices of tokens, then their sum in order. With
 * `sums` only the first, [slices, C + 1]; then a second gate that reads the same may have its own beside.
 */
export const tokenGateParamsOp = defineOp({
  name: 'tokenGateParams',
  inputs: ['u', 'open', 'dout', 'open2', 'dout2'],
  optional: ['open2', 'dout2'],
  shapes: ([u, open, , open2, dout2], { sums }: { readonly sums: boolean }) => {
    const { length, columns } = paramSums(required(u, 'tokenGateParams: u'));
    expectShape(
      open2 ? sums && Boolean(dout2) && sizeOf(open2) === sizeOf(open ?? []) : !dout2,
      'tokenGateParams',
      () => `a second gate ${show(open2 ?? [])} and ${show(dout2 ?? [])} for ${show(u ?? [])}`,
    );
    if (!sums) return [[columns - 1], [1]];
    return open2
      ? [
          [length, columns],
          [length, columns],
        ]
      : [[length, columns]];
  },
  scratch: ({ inputs: [u], attrs: { sums }, traits }) => {
    const all = paramSums(u);
    return sums ? [UNUSED] : [[all.length, all.columns], ...reductionScratch(all, traits)];
  },
  passes: ({ inputs: [given, , , second], attrs: { sums }, traits }) => {
    const u = required(given, 'tokenGateParams: u');
    const all = paramSums(u);
    const inFours = lastOf(u) % 4 === 0;
    const [across, down] = workgroups1d(all.length * (inFours ? lastOf(u) / 4 + 1 : all.columns));
    // What is not written is bound to something that is not read.
    const unused: Binding = sums ? { scratch: 0 } : { output: 1 };
    const pass: Pass = {
      shader: inFours ? 'token-gate/params-fours' : 'token-gate/params-any',
      constants: { C: lastOf(u) },
      bindings: [
        { input: 0 },
        { input: 1 },
        { input: 2 },
        sums ? { output: 0 } : { scratch: 0 },
        { input: second ? 3 : 1 },
        { input: second ? 4 : 2 },
        second ? { output: 1 } : unused,
      ],
      workgroups: [across, down, second ? 2 : 1],
      flops: (second ? 12 : 6) * sizeOf(u),
    };
    if (sums) return [pass];
    const places = { from: { scratch: 0 }, to: { output: 0 }, rest: { output: 1 }, scratch: 1 };
    return [pass, ...reductionPasses(all, places, traits)];
  },
  backward: { u: 'none', open: 'none', dout: 'none', open2: 'none', dout2: 'none' },
  reference: { checkedBy: 'tokenGate' },
  cases: [],
});

/** The kernel for the sigmoids of `tokens` tokens: eight threads a token on a GPU, four tokens a thread elsewhere. */
function tokensKernel(C: number, tokens: number, traits: AdapterTraits): Pick<Pass, 'shader' | 'workgroups'> {
  if (C % 4 !== 0) return { shader: 'token-gate/tokens-any', workgroups: workgroups1d(tokens) };
  switch (selectFamily('reduce', traits)) {
    case 'register':
      return { shader: 'token-gate/tokens-rows', workgroups: workgroups1d(tokens, 16) };
    case 'workgroup':
      return { shader: 'token-gate/tokens-workgroup', workgroups: workgroups1d(tokens, 8) };
  }
}

/** Stands for the sums of a second gate. */
const UNUSED: Shape = [1];

/** The sums over the slices of tokens. */
function paramSums(u: Shape | null | undefined): Reduction {
  return { batch: 1, length: slicesFor(rowsOf(u ?? [])), columns: lastOf(u ?? []) + 1 };
}

function paramGradients({ graph, input, output, dout }: BackwardContext<object>): [Tensor, Tensor] {
  const [dweight, dbias] = graph.apply(tokenGateParamsOp, [input(0), output(1), dout, null, null], {
    sums: false,
  });
  if (!dweight || !dbias) throw new RangeError('tokenGateParams: two outputs');
  return [dweight, dbias];
}

/** One gate a sample, in (0, 1), read from its tokens `u`. */
export function tokenGate(u: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return u.graph.apply1(tokenGateOp, [u, weight, bias, null, null], {});
}
