import type { Tensor } from '../../graph/graph.ts';
import { defineOp } from '../../graph/op.ts';
import { expectShape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { repeatLeading } from '../repeat-leading/repeat-leading.ts';

/** Sums over the leading axes until the last `keep` axes are left; the gradient of a bias or of anything repeated. */
export const sumLeadingOp = defineOp({
  name: 'sumLeading',
  inputs: ['x'],
  shapes: ([x], { keep }: { keep: number }) => {
    if (!x) throw new RangeError('sumLeading: one input');
    expectShape(keep >= 1 && keep <= x.length, 'sumLeading', `keeps ${keep} axes of ${show(x)}`);
    return [x.slice(x.length - keep)];
  },
  passes: ({ inputs: [x], outputs: [out] }) => [
    {
      shader: 'sum-leading/forward',
      constants: {},
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: sizeOf(x ?? []),
    },
  ],
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
  ],
});

/** Sums `x` over its leading axes down to `shape`, a suffix of `x`'s; `x` itself when nothing is to be summed. */
export function sumLeading(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : x.graph.apply1(sumLeadingOp, [x], { keep: shape.length });
}
