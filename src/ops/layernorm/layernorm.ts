import { type BackwardContext, defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, lastOf, rowsOf, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { slicesFor, workgroups1d } from '../dispatch.ts';

interface LayernormAttributes {
  /** Added to the variance; SAM uses 1e-6. */
  readonly eps: number;
}

/**
 * LayerNorm over the last axis, then `· weight + bias`: x [.., C], weight [C], bias [C]. Saves mean and 1/std per row.
 */
export const layernormOp = defineOp({
  name: 'layernorm',
  inputs: ['x', 'weight', 'bias'],
  shapes: ([x, weight, bias], _attrs: LayernormAttributes) => {
    if (!x || !weight || !bias) throw new RangeError('layernorm: x, weight and bias');
    expectShape(
      sameShape(weight, [lastOf(x)]) && sameShape(bias, weight),
      'layernorm',
      () => `weight ${show(weight)} and bias ${show(bias)} for x ${show(x)}`,
    );
    return [x, [rowsOf(x), 2]];
  },
  passes: ({ inputs: [x], attrs }) => {
    if (!x) throw new RangeError('layernorm: x');
    return [
      {
        shader: 'layernorm/forward',
        constants: { C: lastOf(x), EPS: attrs.eps },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }, { output: 1 }],
        workgroups: workgroups1d(rowsOf(x)),
        flops: 8 * sizeOf(x),
      },
    ];
  },
  backward: {
    x: ({ graph, input, output, dout }) =>
      graph.apply1(layernormBackwardOp, [input(0), input(1), output(1), dout], {}),
    weight: (context) => paramGradients(context)[0],
    bias: (context) => paramGradients(context)[1],
  },
  reference: ([x, weight, bias], _shapes, { eps }) => {
    if (!x || !weight || !bias) throw new RangeError('layernorm: x, weight and bias');
    const C = weight.length;
    const out = new Float64Array(x.length);
    const stats = new Float64Array((2 * x.length) / C);
    for (let row = 0; row < x.length / C; row++) {
      const values = x.subarray(row * C, (row + 1) * C);
      const mean = values.reduce((sum, value) => sum + value, 0) / C;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / C;
      const rstd = 1 / Math.sqrt(variance + eps);
      values.forEach((value, c) => {
        out[row * C + c] = (value - mean) * rstd * (weight[c] ?? 0) + (bias[c] ?? 0);
      });
      stats.set([mean, rstd], 2 * row);
    }
    return [out, stats];
  },
  cases: [
    { inputs: [[1, 1], [1], [1]], attrs: { eps: 1e-2 }, note: 'one feature: the output is the bias' },
    { inputs: [[2, 3, 7], [7], [7]], attrs: { eps: 1e-6 } },
    { inputs: [[67, 13], [13], [13]], attrs: { eps: 1e-5 } },
    { inputs: [[3, 131, 24], [24], [24]], attrs: { eps: 1e-6 }, note: 'rows in several slices' },
    {
      inputs: [[5, 33], [33], [33]],
      attrs: { eps: 1e-6 },
      values: { 0: (shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => 512 + Math.sin(i * i)) },
      note: 'a mean far above the deviation, where a one-pass variance fails; f32 spacing at 512 is 6e-5',
      tolerance: 2e-4,
    },
  ],
});

/** Gradient of {@link layernormOp} to x, from x, weight, the saved mean and 1/std, and dout. */
export const layernormBackwardOp = defineOp({
  name: 'layernormBackward',
  inputs: ['x', 'weight', 'stats', 'dout'],
  shapes: ([x]) => {
    if (!x) throw new RangeError('layernormBackward: x');
    return [x];
  },
  passes: ({ inputs: [x] }) => {
    if (!x) throw new RangeError('layernormBackward: x');
    return [
      {
        shader: 'layernorm/backward',
        constants: { C: lastOf(x) },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { output: 0 }],
        workgroups: workgroups1d(rowsOf(x)),
        flops: 12 * sizeOf(x),
      },
    ];
  },
  backward: { x: 'none', weight: 'none', stats: 'none', dout: 'none' },
  reference: { checkedBy: 'layernorm' },
  cases: [],
});

/** Gradients of {@link layernormOp} to weight and bias, in two stages: slices of rows, then their sum in order. */
export const layernormParamsOp = defineOp({
  name: 'layernormParams',
  inputs: ['x', 'stats', 'dout'],
  shapes: ([x]) => {
    if (!x) throw new RangeError('layernormParams: x');
    return [[lastOf(x)], [lastOf(x)]];
  },
  scratch: ({ inputs: [x] }) => [[slicesFor(rowsOf(x ?? [])), 2 * lastOf(x ?? [])]],
  passes: ({ inputs: [x] }) => {
    if (!x) throw new RangeError('layernormParams: x');
    const C = lastOf(x);
    const slices = slicesFor(rowsOf(x));
    return [
      {
        shader: 'layernorm/params',
        constants: { C },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { scratch: 0 }],
        workgroups: workgroups1d(slices * C),
        flops: 5 * sizeOf(x),
      },
      {
        shader: 'reduce/columns',
        constants: {},
        bindings: [{ scratch: 0 }, { output: 0 }, { output: 1 }],
        workgroups: workgroups1d(2 * C),
        flops: 2 * slices * C,
      },
    ];
  },
  backward: { x: 'none', stats: 'none', dout: 'none' },
  reference: { checkedBy: 'layernorm' },
  cases: [],
});

function paramGradients({
  graph,
  input,
  output,
  dout,
}: BackwardContext<LayernormAttributes>): [Tensor, Tensor] {
  const [dweight, dbias] = graph.apply(layernormParamsOp, [input(0), output(1), dout], {});
  if (!dweight || !dbias) throw new RangeError('layernormParams: two outputs');
  return [dweight, dbias];
}

/** LayerNorm over the last axis of `x`. */
export function layernorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  return x.graph.apply1(layernormOp, [x, weight, bias], { eps });
}
