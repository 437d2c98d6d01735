import { defineOp, type Tensor } from '../../graph/graph.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Threads of the first pass; the second adds their sums in order. */
const LANES = 1024;

interface SumSquaresAttributes {
  /** Adds to what `total` holds, instead of replacing it. */
  readonly isMore: boolean;
}

function lanesFor(x: Shape | null | undefined): number {
  return Math.max(1, Math.min(LANES, Math.ceil(sizeOf(required(x, 'sumSquares: x')) / 16)));
}

/**
 * `total = Σ x²` or `total += Σ x²`, total [1]: the norm that gradients are clipped by. Two passes in fixed order: the
 * same sum every time.
 */
export const sumSquaresOp = defineOp({
  name: 'sumSquares',
  inputs: ['total', 'x'],
  mutates: ['total'],
  shapes: (_inputs, _attrs: SumSquaresAttributes) => [],
  scratch: ({ inputs: [, x] }) => [[lanesFor(x)]],
  passes: ({ inputs: [, x], attrs: { isMore } }) => {
    const lanes = lanesFor(x);
    const n = sizeOf(required(x, 'sumSquares: x'));
    return [
      {
        shader: 'sum-squares/partial',
        constants: {},
        bindings: [{ input: 1 }, { scratch: 0 }],
        workgroups: workgroups1d(lanes),
        flops: 2 * n,
      },
      {
        shader: 'sum-squares/finish',
        constants: { IS_MORE: Number(isMore) },
        bindings: [{ scratch: 0 }, { input: 0 }],
        workgroups: [1, 1, 1],
        flops: lanes,
      },
    ];
  },
  backward: { total: 'none', x: 'none' },
  reference: ([total, x], _shapes, { isMore }) => [
    Float64Array.of(
      required(x, 'sumSquares: x').reduce(
        (sum, value) => sum + value * value,
        isMore ? (total?.[0] ?? 0) : 0,
      ),
    ),
  ],
  cases: [
    { inputs: [[1], [1]], attrs: { isMore: false } },
    { inputs: [[1], [7, 13]], attrs: { isMore: true } },
    { inputs: [[1], [3, 10007]], attrs: { isMore: false } },
  ],
});

export function sumSquares(total: Tensor, x: Tensor, attrs: SumSquaresAttributes): void {
  x.graph.apply(sumSquaresOp, [total, x], attrs);
}
