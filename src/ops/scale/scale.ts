import { defineOp, type Tensor } from '../../graph/graph.ts';
import { sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';

/** `x · factor` for a factor known when the graph is made. */
export const scaleOp = defineOp({
  name: 'scale',
  inputs: ['x'],
  shapes: ([x], _attrs: { readonly factor: number }) => {
    if (!x) throw new RangeError('scale: one input');
    return [x];
  },
  passes: ({ outputs: [out], attrs: { factor } }) => [
    {
      shader: 'scale/forward',
      constants: { FACTOR: factor },
      bindings: [{ input: 0 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: sizeOf(out ?? []),
    },
  ],
  backward: { x: ({ dout, attrs: { factor } }) => scale(dout, factor) },
  reference: ([x], _shapes, { factor }) => {
    if (!x) throw new RangeError('scale: one input');
    return [x.map((value) => value * factor)];
  },
  cases: [
    { inputs: [[1]], attrs: { factor: -2.5 } },
    { inputs: [[3, 5, 7]], attrs: { factor: 0.125 } },
    { inputs: [[131]], attrs: { factor: 0 } },
  ],
});

export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : x.graph.apply1(scaleOp, [x], { factor });
}
