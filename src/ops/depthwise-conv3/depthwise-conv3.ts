import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

const TAPS = 9;

interface ConvAttributes {
  /** Distance of neighbouring outputs in tokens: 1, or 2 for a grid of half the size, rounded up. */
  readonly stride: number;
}

interface BackwardAttributes extends ConvAttributes {
  /** Size of the grid in tokens before the stride. */
  readonly height: number;
  readonly width: number;
}

type Grid = readonly [B: number, H: number, W: number, C: number];

function gridOf(shape: Shape | null | undefined, what: string): Grid {
  const found = required(shape, what);
  expectShape(found.length === 4, 'depthwiseConv3', () => `${what} ${show(found)} is not [B, H, W, C]`);
  return [axis(found, 0), axis(found, 1), axis(found, 2), axis(found, 3)];
}

/** The one dispatch of both directions on a grid [B, H, W, C] before the stride. @param n elements of the output. */
function pass(shader: string, [, H, W, C]: Grid, { stride }: ConvAttributes, threads: number, n: number) {
  const constants = { H, W, C, STRIDE: stride };
  return { shader, constants, workgroups: workgroups1d(threads), flops: 2 * TAPS * n };
}

const CASES: readonly (readonly [shape: Grid, stride: number])[] = [
  [[1, 1, 1, 1], 1],
  [[2, 3, 5, 7], 1],
  [[1, 7, 2, 16], 1],
  [[2, 3, 9, 8], 1],
  [[1, 1, 1, 1], 2],
  [[2, 5, 8, 3], 2],
  [[1, 4, 6, 12], 2],
];

/**
 * A 3 × 3 convolution of every channel by itself, with padding 1: x [B, H, W, C], weight [9, C] with taps in the order
 * (dy, dx), bias [C] → [B, ⌈H/stride⌉, ⌈W/stride⌉, C]. PyTorch's `Conv2d(C, C, 3, stride, 1, groups=C)`, whose weight
 * [C, 1, 3, 3] is transposed. Weight and bias are frozen.
 */
export const depthwiseConv3Op = defineOp({
  name: 'depthwiseConv3',
  inputs: ['x', 'weight', 'bias'],
  shapes: ([x, weight, bias], { stride }: ConvAttributes) => {
    const [B, H, W, C] = gridOf(x, 'x');
    expectShape(
      Boolean(weight && bias && sameShape(weight, [TAPS, C]) && sameShape(bias, [C])),
      'depthwiseConv3',
      () => `weight ${show(weight ?? [])} and bias ${show(bias ?? [])} for ${C} channels`,
    );
    return [[B, Math.ceil(H / stride), Math.ceil(W / stride), C]];
  },
  passes: ({ inputs: [x], outputs: [out], attrs }) => {
    const [B, H, W, C] = gridOf(out, 'out');
    const [shader, threads] =
      C % 4 === 0
        ? ['depthwise-conv3/forward-quad', (B * H * Math.ceil(W / 4) * C) / 4]
        : ['depthwise-conv3/forward', B * H * W * C];
    const bindings = [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }];
    return [{ ...pass(shader, gridOf(x, 'x'), attrs, threads, B * H * W * C), bindings }];
  },
  backward: {
    x: ({ graph, input, dout, attrs: { stride } }) => {
      const [height, width] = [axis(input(0).shape, 1), axis(input(0).shape, 2)];
      return graph.apply1(depthwiseConv3BackwardOp, [input(1), dout], { stride, height, width });
    },
    weight: 'none',
    bias: 'none',
  },
  reference: ([x, weight, bias], [shape], { stride }) => {
    const [B, H, W, C] = gridOf(shape, 'x');
    const out: number[] = [];
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h += stride)
        for (let w = 0; w < W; w += stride)
          for (let c = 0; c < C; c++) {
            let sum = bias?.[c] ?? 0;
            for (let tap = 0; tap < TAPS; tap++) {
              const [y, col] = [h + Math.floor(tap / 3) - 1, w + (tap % 3) - 1];
              if (y < 0 || y >= H || col < 0 || col >= W) continue;
              sum += (weight?.[tap * C + c] ?? 0) * (x?.[((b * H + y) * W + col) * C + c] ?? 0);
            }
            out.push(sum);
          }
    return [Float64Array.from(out)];
  },
  cases: CASES.map(
    ([shape, stride]): OpCase<ConvAttributes> => ({
      inputs: [shape, [TAPS, shape[3]], [shape[3]]],
      attrs: { stride },
    }),
  ),
});

/** Gradient of {@link depthwiseConv3Op} to x. */
export const depthwiseConv3BackwardOp = defineOp({
  name: 'depthwiseConv3Backward',
  inputs: ['weight', 'dout'],
  shapes: ([, dout], { height, width }: BackwardAttributes) => {
    const [B, , , C] = gridOf(dout, 'dout');
    return [[B, height, width, C]];
  },
  passes: ({ outputs: [dx], attrs }) => {
    const n = sizeOf(dx ?? []);
    const bindings = [{ input: 0 }, { input: 1 }, { output: 0 }];
    return [{ ...pass('depthwise-conv3/backward', gridOf(dx, 'dx'), attrs, n, n), bindings }];
  },
  backward: { weight: 'none', dout: 'none' },
  reference: { checkedBy: 'depthwiseConv3' },
  cases: [],
});

/** A 3 × 3 convolution of every channel by itself; see {@link depthwiseConv3Op}. */
export function depthwiseConv3(x: Tensor, weight: Tensor, bias: Tensor, stride = 1): Tensor {
  return x.graph.apply1(depthwiseConv3Op, [x, weight, bias], { stride });
}
