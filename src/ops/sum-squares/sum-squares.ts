import type { AdapterTraits } from '../../gpu/traits.ts';
import { defineOp, type Tensor } from '../../graph/graph.ts';
import { type Shape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';
import { type Reduction, reductionPasses, reductionScratch } from '../sum-leading/reduce.ts';

/** Threads of the first pass, at most; the second adds their sums and what `total` held, in one dispatch. */
const LANES = { register: 255, workgroup: 8191 } as const;

interface SumSquaresAttributes {
  /** Adds to what `total` holds, instead of replacing it. */
  readonly isMore: boolean;
}

function lanesFor(x: Shape | null | undefined, traits: AdapterTraits): number {
  const most = LANES[selectFamily('reduce', traits)];
  return Math.max(1, Math.min(most, Math.ceil(sizeOf(required(x, 'sumSquares: x')) / 16)));
}

/** The sums of the lanes, and what `total` held before. */
function reductionOf(x: Shape | null | undefined, traits: AdapterTraits): Reduction {
  return { batch: 1, length: lanesFor(x, traits) + 1, columns: 1 };
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
  scratch: ({ inputs: [, x], traits }) => [
    [lanesFor(x, traits) + 1],
    ...reductionScratch(reductionOf(x, traits), traits),
  ],
  passes: ({ inputs: [, x], attrs: { isMore }, traits }) => [
    {
      shader: 'sum-squares/partial',
      constants: { IS_MORE: Number(isMore) },
      bindings: [{ input: 1 }, { input: 0 }, { scratch: 0 }],
      workgroups: workgroups1d(lanesFor(x, traits) + 1),
      flops: 2 * sizeOf(x ?? []),
    },
    ...reductionPasses(
      reductionOf(x, traits),
      { from: { scratch: 0 }, to: { input: 0 }, scratch: 1 },
      traits,
    ),
  ],
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
