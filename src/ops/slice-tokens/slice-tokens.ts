import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

type Tokens = readonly [N: number, T: number, C: number];

function tokens(shape: Shape | null | undefined, op: string): Tokens {
  const given = required(shape, `${op}: x`);
  expectShape(given.length === 3, op, () => `${show(given)} is not [N, T, C]`);
  return [axis(given, 0), axis(given, 1), axis(given, 2)];
}

/** The one dispatch of both directions: out[n, t] = x[n, t + shift], zero where x has no such token. */
function passes(x: Tokens, out: Tokens, shift: number) {
  const n = sizeOf(out);
  return [
    {
      shader: 'slice-tokens/move',
      constants: {},
      // The shader adds before it subtracts, so that both stay unsigned.
      params: {
        features: out[2],
        tokensIn: x[1],
        tokensOut: out[1],
        ahead: Math.max(shift, 0),
        behind: Math.max(-shift, 0),
      },
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(n),
      flops: n,
    },
  ];
}

function moved(
  x: Float64Array | null | undefined,
  [N, T, C]: Tokens,
  length: number,
  shift: number,
): Float64Array {
  const out = new Float64Array(N * length * C);
  for (let n = 0; n < N; n++)
    for (let t = 0; t < length; t++)
      for (let c = 0; c < C; c++)
        if (t + shift >= 0 && t + shift < T)
          out[(n * length + t) * C + c] = x?.[(n * T + t + shift) * C + c] ?? 0;
  return out;
}

/** Some consecutive tokens of every sequence: x [N, T, C] → [N, length, C], from token `start` on. */
export const sliceTokensOp = defineOp({
  name: 'sliceTokens',
  inputs: ['x'],
  shapes: ([x], { start, length }: { readonly start: number; readonly length: number }) => {
    const [N, T, C] = tokens(x, 'sliceTokens');
    expectShape(
      start >= 0 && length >= 1 && start + length <= T,
      'sliceTokens',
      () => `tokens ${start} to ${start + length} of ${T}`,
    );
    return [[N, length, C]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs }) =>
    passes(tokens(x, 'sliceTokens'), tokens(out, 'sliceTokens'), attrs.start),
  backward: {
    x: ({ dout, input, attrs }) => padTokens(dout, attrs.start, axis(input(0).shape, 1)),
  },
  reference: ([x], [shape], attrs) => [moved(x, tokens(shape, 'sliceTokens'), attrs.length, attrs.start)],
  cases: [
    { inputs: [[1, 1, 1]], attrs: { start: 0, length: 1 } },
    { inputs: [[3, 7, 5]], attrs: { start: 2, length: 3 } },
    { inputs: [[2, 7, 13]], attrs: { start: 6, length: 1 } },
  ],
});

/** The adjoint: x [N, T, C] → [N, total, C], x from token `start` on and zeros around it. */
export const padTokensOp = defineOp({
  name: 'padTokens',
  inputs: ['x'],
  shapes: ([x], { start, total }: { readonly start: number; readonly total: number }) => {
    const [N, T, C] = tokens(x, 'padTokens');
    expectShape(
      start >= 0 && start + T <= total,
      'padTokens',
      () => `${T} tokens from ${start} on in ${total}`,
    );
    return [[N, total, C]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs }) =>
    passes(tokens(x, 'padTokens'), tokens(out, 'padTokens'), -attrs.start),
  backward: {
    x: ({ dout, input, attrs }) => sliceTokens(dout, attrs.start, axis(input(0).shape, 1)),
  },
  reference: ([x], [shape], attrs) => [moved(x, tokens(shape, 'padTokens'), attrs.total, -attrs.start)],
  cases: [
    { inputs: [[1, 1, 1]], attrs: { start: 0, total: 1 } },
    { inputs: [[3, 2, 5]], attrs: { start: 2, total: 7 } },
    { inputs: [[2, 3, 7]], attrs: { start: 0, total: 5 } },
  ],
});

export function sliceTokens(x: Tensor, start: number, length: number): Tensor {
  return x.graph.apply1(sliceTokensOp, [x], { start, length });
}

function padTokens(x: Tensor, start: number, total: number): Tensor {
  return x.graph.apply1(padTokensOp, [x], { start, total });
}
