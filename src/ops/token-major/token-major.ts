import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Some tokens of every sequence, token by token: x [N, T, D] → [count, N, D], `out[t, n] = x[n, first + t]`. */
export const tokenMajorOp = defineOp({
  name: 'tokenMajor',
  inputs: ['x'],
  shapes: ([x], { first, count }: { readonly first: number; readonly count: number }) => {
    const given = required(x, 'tokenMajor: x');
    expectShape(
      given.length === 3 && first >= 0 && count > 0 && first + count <= axis(given, 1),
      'tokenMajor',
      () => `${count} tokens from ${first} on of ${show(given)}`,
    );
    return [[count, axis(given, 0), axis(given, 2)]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs: { first } }) => [
    movePass(out, { first, rows: axis(x ?? [], 1) }, false),
  ],
  backward: {
    x: ({ graph, dout, input, attrs: { first } }) =>
      graph.apply1(tokenMajorBackwardOp, [dout], { first, tokens: axis(input(0).shape, 1) }),
  },
  reference: ([x], [shape], { first, count }) => {
    const [N, T, D] = [axis(shape ?? [], 0), axis(shape ?? [], 1), axis(shape ?? [], 2)];
    const out = new Float64Array(count * N * D);
    for (let t = 0; t < count; t++)
      for (let n = 0; n < N; n++) {
        const row = n * T + first + t;
        out.set(x?.subarray(row * D, (row + 1) * D) ?? [], (t * N + n) * D);
      }
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1]], attrs: { first: 0, count: 1 } },
    { inputs: [[3, 7, 5]], attrs: { first: 2, count: 4 } },
    { inputs: [[4, 3, 67]], attrs: { first: 0, count: 3 } },
  ],
});

/** Gradient of {@link tokenMajorOp}: dout [count, N, D] → [N, tokens, D], zero for the other tokens. */
export const tokenMajorBackwardOp = defineOp({
  name: 'tokenMajorBackward',
  inputs: ['dout'],
  shapes: ([dout], { tokens }: { readonly first: number; readonly tokens: number }) => {
    const given = required(dout, 'tokenMajorBackward: dout');
    return [[axis(given, 1), tokens, axis(given, 2)]];
  },
  passes: ({ inputs: [dout], outputs: [out], attrs: { first } }) => [
    movePass(out, { first, rows: axis(dout ?? [], 0) }, true),
  ],
  backward: { dout: 'none' },
  reference: { checkedBy: 'tokenMajor' },
  cases: [],
});

function movePass(
  out: Shape | undefined,
  from: { readonly first: number; readonly rows: number },
  back: boolean,
) {
  const shape = required(out, 'tokenMajor: out');
  return {
    shader: 'token-major/move',
    constants: { BACK: Number(back) },
    params: { outer: axis(shape, 0), inner: axis(shape, 1), ...from },
    bindings: [{ input: 0 }, { output: 0 }],
    workgroups: workgroups1d(sizeOf(shape)),
    flops: 0,
  };
}

/** `count` tokens of x [N, T, D] from `first` on, token by token: [count, N, D]. */
export function tokenMajor(x: Tensor, first: number, count: number): Tensor {
  return x.graph.apply1(tokenMajorOp, [x], { first, count });
}
