import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, type Shape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { combinePass } from '../add/combine.ts';
import { type Reduction, reductionPasses, reductionScratch } from './reduce.ts';

interface SumLeadingAttributes {
  readonly keep: number;
  /** Leaves the sums over so many slices, which are as many as `slicesOf` says, one after the other; absent: their sum. */
  readonly slices?: number;
}

/** Sums over the leading axes until the last `keep` axes are left; the gradient of a bias or of anything repeated. */
export const sumLeadingOp = defineOp({
  name: 'sumLeading',
  inputs: ['x'],
  shapes: ([x], { keep, slices }: SumLeadingAttributes) => {
    if (!x) throw new RangeError('sumLeading: one input');
    expectShape(keep >= 1 && keep <= x.length, 'sumLeading', () => `keeps ${keep} axes of ${show(x)}`);
    const kept = x.slice(x.length - keep);
    return [slices ? [slices, ...kept] : kept];
  },
  scratch: ({ inputs: [x], attrs: { keep }, traits }) =>
    reductionScratch(leadingReduction(x ?? [], keep), traits),
  passes: ({ inputs: [x], attrs: { keep, slices }, traits }) =>
    reductionPasses(
      leadingReduction(x ?? [], keep),
      { from: { input: 0 }, to: { output: 0 }, scratch: 0 },
      traits,
      Boolean(slices),
    ),
  backward: { x: ({ dout, input }) => repeatLeading(dout, input(0).shape) },
  reference: ([x], [shape], { keep }) => {
    if (!x || !shape) throw new RangeError('sumLeading: one input');
    const out = new Float64Array(sizeOf(shape.slice(shape.length - keep)));
    x.forEach((value, i) => {
      const j = i % out.length;
      out[j] = (out[j] ?? 0) + value;
    });
    return [out];
  },
  cases: [
    { inputs: [[1, 1]], attrs: { keep: 1 } },
    { inputs: [[5, 3, 7]], attrs: { keep: 1 } },
    { inputs: [[5, 3, 7]], attrs: { keep: 2 } },
    { inputs: [[131, 67]], attrs: { keep: 1 } },
    { inputs: [[1031, 67]], attrs: { keep: 1 }, note: 'rows in slices, the last of them short' },
    { inputs: [[2053, 3]], attrs: { keep: 1 } },
  ],
});

/** The reduction of a tensor to its last `keep` axes. */
export function leadingReduction(x: Shape, keep: number): Reduction {
  const columns = sizeOf(x.slice(x.length - keep));
  return { batch: 1, length: sizeOf(x) / columns, columns };
}

/** Sums `x` over its leading axes down to `shape`, a suffix of `x`'s; `x` itself when nothing is to be summed. */
export function sumLeading(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : x.graph.apply1(sumLeadingOp, [x], { keep: shape.length });
}

/** Repeats a tensor `times` times along a new leading axis. */
export const repeatLeadingOp = defineOp({
  name: 'repeatLeading',
  inputs: ['x'],
  shapes: ([x], { times }: { times: number }) => {
    if (!x) throw new RangeError('repeatLeading: one input');
    return [[times, ...x]];
  },
  passes: ({ inputs: [x], outputs: [out] }) => [
    combinePass({ y: { input: 0 }, out: { output: 0 } }, { out, y: x }),
  ],
  backward: { x: ({ dout, input }) => sumLeading(dout, input(0).shape) },
  reference: ([x], _shapes, { times }) => {
    if (!x) throw new RangeError('repeatLeading: one input');
    const out = new Float64Array(x.length * times);
    for (let t = 0; t < times; t++) out.set(x, t * x.length);
    return [out];
  },
  cases: [
    { inputs: [[1]], attrs: { times: 1 } },
    { inputs: [[3, 7]], attrs: { times: 5 } },
    { inputs: [[3, 8]], attrs: { times: 5 } },
  ],
});

/** `x` repeated over new leading axes so that the result has `shape`, of which `x`'s shape is a suffix. */
export function repeatLeading(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.graph.apply1(repeatLeadingOp, [x], { times: sizeOf(shape) / sizeOf(x.shape) }).view(shape);
}
