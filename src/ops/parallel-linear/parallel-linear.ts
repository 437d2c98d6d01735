import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import type { Pass } from '../../graph/pass.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Linear layers of one size, each on rows of its own, whose weights stand at equal distances in one buffer. */
interface ParallelAttributes {
  /** The first rows that a layer gets, of the G of x. */
  readonly first: number;
  /** Layers. */
  readonly count: number;
  /** Width N that each gives. */
  readonly outputs: number;
  /** Values from the weights, and from the bias, of a layer to those of the next. */
  readonly weightStride: number;
  readonly biasStride: number;
  /** Whether what they give is at least 0. */
  readonly relu: boolean;
}

type Shapes = readonly (Shape | null | undefined)[];

/** Fails where buffers are too short, or not in vectors of four. */
function expectParallel(
  [x, weight, bias]: Shapes,
  { first, count, outputs, weightStride, biasStride }: ParallelAttributes,
): { readonly R: number; readonly K: number } {
  const given = required(x, 'parallelLinear: x');
  const [G, R, K] = [axis(given, 0), axis(given, 1), axis(given, 2)];
  const last = count - 1;
  expectShape(
    given.length === 3 &&
      K % 4 === 0 &&
      weightStride % 4 === 0 &&
      first + count <= G &&
      sizeOf(weight ?? []) >= last * weightStride + outputs * K &&
      sizeOf(bias ?? []) >= last * biasStride + outputs,
    'parallelLinear',
    () =>
      `${count} layers from ${first} on: ${[x, weight, bias].map((shape) => show(shape ?? [])).join(' ')}`,
  );
  return { R, K };
}

function constantsOf(K: number, attrs: ParallelAttributes): Pass['constants'] {
  return {
    COUNT: attrs.count,
    FIRST: attrs.first,
    K,
    N: attrs.outputs,
    WEIGHT_STRIDE: attrs.weightStride,
    BIAS_STRIDE: attrs.biasStride,
    RELU: Number(attrs.relu),
  };
}

/**
 * `x[first + g] · weight_gᵀ + bias_g` of every layer g, for real GPUs and few rows: x [G, R, K] → [count, R, N]. Weight and bias are
 * flat, with gaps between the layers where their strides say so. `dweight` and `dbias`, of the same layout, are not read: the
 * gradients of weight and bias are added to them, together with the computation of that to x.
 */
export const parallelLinearOp = defineOp({
  name: 'parallelLinear',
  inputs: ['x', 'weight', 'bias', 'dweight', 'dbias'],
  shapes: (inputs, attrs: ParallelAttributes) => {
    const { R } = expectParallel(inputs, attrs);
    return [[attrs.count, R, attrs.outputs]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs }) => {
    const [n, K] = [sizeOf(required(out, 'parallelLinear: out')), axis(x ?? [], 2)];
    return [
      {
        shader: 'parallel-linear/forward',
        constants: constantsOf(K, attrs),
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
        workgroups: workgroups1d(n),
        flops: 2 * n * K,
      },
    ];
  },
  backward: {
    x: ({ graph, input, output, dout, attrs }) =>
      graph.apply1(
        parallelLinearBackwardOp,
        [input(0), input(1), output(0), dout, input(3), input(4)],
        attrs,
      ),
    weight: 'none',
    bias: 'none',
    dweight: 'none',
    dbias: 'none',
  },
  reference: ([x, weight, bias], [shape], attrs) => {
    const { R, K } = sizesOf(shape);
    const { first, count, outputs: N, relu } = attrs;
    const out = new Float64Array(count * R * N);
    for (let g = 0; g < count; g++)
      for (let r = 0; r < R; r++)
        for (let n = 0; n < N; n++) {
          let sum = bias?.[g * attrs.biasStride + n] ?? 0;
          for (let k = 0; k < K; k++)
            sum +=
              (x?.[((first + g) * R + r) * K + k] ?? 0) * (weight?.[g * attrs.weightStride + n * K + k] ?? 0);
          out[(g * R + r) * N + n] = relu ? Math.max(sum, 0) : sum;
        }
    return [out];
  },
  cases: [
    parallelCase([1, 1, 4], { first: 0, count: 1, outputs: 1, weightStride: 0, biasStride: 0, relu: false }),
    parallelCase([3, 5, 12], {
      first: 0,
      count: 3,
      outputs: 7,
      weightStride: 88,
      biasStride: 8,
      relu: true,
    }),
    parallelCase([5, 3, 68], {
      first: 1,
      count: 4,
      outputs: 13,
      weightStride: 884,
      biasStride: 64,
      relu: false,
    }),
  ],
});

/** Gradients of {@link parallelLinearOp}: to x, with `more` added to it, and those of weight and bias onto their accumulators. */
export const parallelLinearBackwardOp = defineOp({
  name: 'parallelLinearBackward',
  inputs: ['x', 'weight', 'out', 'dout', 'dweight', 'dbias', 'more'],
  optional: ['more'],
  mutates: ['dweight', 'dbias'],
  shapes: ([x, weight, , , , dbias, more], attrs: ParallelAttributes) => {
    expectParallel([x, weight, dbias], attrs);
    expectShape(
      !more || sizeOf(more) === sizeOf(x ?? []),
      'parallelLinearBackward',
      () => `${show(more ?? [])} for ${show(x ?? [])}`,
    );
    return [required(x, 'parallelLinearBackward: x')];
  },
  passes: ({ inputs: [x, , , , , , more], attrs }) => {
    const { R, K } = sizesOf(x);
    const { count, outputs: N } = attrs;
    const [across, down] = workgroups1d(Math.max(sizeOf(x ?? []), count * N * K) / 4);
    return [
      {
        shader: 'parallel-linear/backward',
        constants: { ...constantsOf(K, attrs), HAS_MORE: Number(Boolean(more)) },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { output: 0 },
          { input: 4 },
          { input: 5 },
          { input: more ? 6 : 0 },
        ],
        workgroups: [across, down, 2],
        flops: 4 * count * R * N * K,
      },
    ];
  },
  backward: {
    x: 'none',
    weight: 'none',
    out: 'none',
    dout: 'none',
    dweight: 'none',
    dbias: 'none',
    more: 'none',
  },
  reference: ([x, weight, out, dout, dweight, dbias, more], [shape], attrs) => {
    const { R, K } = sizesOf(shape);
    const { first, count, outputs: N, relu, weightStride, biasStride } = attrs;
    const dx = more?.slice() ?? new Float64Array(x?.length ?? 0);
    const onto = required(dweight, 'parallelLinearBackward: dweight').slice();
    const sums = required(dbias, 'parallelLinearBackward: dbias').slice();
    for (let g = 0; g < count; g++)
      for (let r = 0; r < R; r++)
        for (let n = 0; n < N; n++) {
          const at = (g * R + r) * N + n;
          const d = relu && (out?.[at] ?? 0) <= 0 ? 0 : (dout?.[at] ?? 0);
          const bias = g * biasStride + n;
          sums[bias] = (sums[bias] ?? 0) + d;
          for (let k = 0; k < K; k++) {
            const from = ((first + g) * R + r) * K + k;
            const by = g * weightStride + n * K + k;
            dx[from] = (dx[from] ?? 0) + d * (weight?.[by] ?? 0);
            onto[by] = (onto[by] ?? 0) + d * (x?.[from] ?? 0);
          }
        }
    return [onto, sums, dx];
  },
  cases: [
    {
      inputs: [[5, 3, 12], [4 * 88], [4, 3, 7], [4, 3, 7], [4 * 88], [4 * 8]],
      attrs: { first: 1, count: 4, outputs: 7, weightStride: 88, biasStride: 8, relu: true },
    },
    {
      inputs: [[2, 37, 20], [2 * 260], [2, 37, 13], [2, 37, 13], [2 * 260], [2 * 13], [2, 37, 20]],
      attrs: { first: 0, count: 2, outputs: 13, weightStride: 260, biasStride: 13, relu: false },
    },
  ],
});

function sizesOf(x: Shape | null | undefined): { readonly R: number; readonly K: number } {
  return { R: axis(x ?? [], 1), K: axis(x ?? [], 2) };
}

function parallelCase(x: Shape, attrs: ParallelAttributes): OpCase<ParallelAttributes> {
  const last = attrs.count - 1;
  const weight = [last * attrs.weightStride + attrs.outputs * axis(x, 2)];
  const bias = [last * attrs.biasStride + attrs.outputs];
  return { inputs: [x, weight, bias, weight, bias], attrs };
}

/** Flat weights, or biases, of several layers, with their accumulator and the distance from one layer's to the next's. */
export interface SideBySide {
  readonly values: Tensor;
  readonly gradient: Tensor;
  readonly stride: number;
}

/** Layers on the rows of x [G, R, K] from `first` on; see {@link parallelLinearOp}. */
export function parallelLinear(
  x: Tensor,
  weight: SideBySide,
  bias: SideBySide,
  sizes: Pick<ParallelAttributes, 'first' | 'count' | 'outputs' | 'relu'>,
): Tensor {
  return x.graph.apply1(parallelLinearOp, [x, weight.values, bias.values, weight.gradient, bias.gradient], {
    ...sizes,
    weightStride: weight.stride,
    biasStride: bias.stride,
  });
}
