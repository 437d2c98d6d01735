import { defineOp, type Tensor } from '../../graph/graph.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Threads of the first pass; the second adds their sums in order. */
const LANES = 1024;

function lanesFor(x: Shape | null | undefined): number {
  return Math.max(1, Math.min(LANES, Math.ceil(sizeOf(required(x, 'sumSquares: x')) / 16)));
}

/** `Σ x²` → [1], for the norm that gradients are clipped by. Two passes in fixed order: the same sum every time. */
export const sumSquaresOp = defineOp({
  name: 'sumSquares',
  inputs: ['x'],
  shapes: () => [[1]],
  scratch: ({ inputs: [x] }) => [[lanesFor(x)]],
  passes: ({ inputs: [x] }) => {
    const lanes = lanesFor(x);
    const n = sizeOf(required(x, 'sumSquares: x'));
    return [
      {
        shader: 'sum-squares/partial',
        constants: {},
        bindings: [{ input: 0 }, { scratch: 0 }],
        workgroups: workgroups1d(lanes),
        flops: 2 * n,
      },
      {
        shader: 'sum-squares/finish',
        constants: {},
        bindings: [{ scratch: 0 }, { output: 0 }],
        workgroups: [1, 1, 1],
        flops: lanes,
      },
    ];
  },
  backward: { x: 'none' },
  reference: ([x]) => [
    Float64Array.of(required(x, 'sumSquares: x').reduce((sum, value) => sum + value * value, 0)),
  ],
  cases: [
    { inputs: [[1]], attrs: {} },
    { inputs: [[7, 13]], attrs: {} },
    { inputs: [[3, 10007]], attrs: {} },
  ],
});

export function sumSquares(x: Tensor): Tensor {
  return x.graph.apply1(sumSquaresOp, [x], {});
}
