import type { Tensor } from '../../graph/graph.ts';
import { defineOp } from '../../graph/op.ts';
import { sameShape, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';

/** Repeats a tensor `times` times along a new leading axis. */
export const repeatLeadingOp = defineOp({
  name: 'repeatLeading',
  inputs: ['x'],
  shapes: ([x], { times }: { times: number }) => {
    if (!x) throw new RangeError('repeatLeading: one input');
    return [[times, ...x]];
  },
  passes: ({ outputs: [out] }) => [
    {
      shader: 'repeat-leading/forward',
      constants: {},
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: 0,
    },
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
  ],
});

/** `x` repeated over new leading axes so that the result has `shape`, of which `x`'s shape is a suffix. */
export function repeatLeading(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return x.graph.apply1(repeatLeadingOp, [x], { times: sizeOf(shape) / sizeOf(x.shape) }).view(shape);
}
