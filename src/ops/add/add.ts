import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';

/** `x + y`, where `y` has `x`'s shape or a suffix of it and repeats over the leading axes. */
export const addOp = defineOp({
  name: 'add',
  inputs: ['x', 'y'],
  shapes: ([x, y]) => {
    if (!x || !y) throw new RangeError('add: two inputs');
    expectShape(
      sameShape(y, x.slice(x.length - y.length)),
      'add',
      () => `${show(y)} is no suffix of ${show(x)}`,
    );
    return [x];
  },
  passes: ({ outputs: [out] }) => [
    {
      shader: 'add/forward',
      constants: {},
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      workgroups: workgroups1d(sizeOf(out ?? [])),
      flops: sizeOf(out ?? []),
    },
  ],
  backward: {
    x: ({ dout }) => dout,
    y: ({ dout, input }) => sumLeading(dout, input(1).shape),
  },
  reference: ([x, y]) => {
    if (!x || !y) throw new RangeError('add: two inputs');
    return [x.map((value, i) => value + (y[i % y.length] ?? 0))];
  },
  cases: [
    { inputs: [[1], [1]], attrs: {} },
    {
      inputs: [
        [7, 13],
        [7, 13],
      ],
      attrs: {},
    },
    { inputs: [[3, 5, 7], [7]], attrs: {}, note: 'a bias' },
    {
      inputs: [
        [2, 3, 67],
        [3, 67],
      ],
      attrs: {},
    },
  ],
});

export function add(x: Tensor, y: Tensor): Tensor {
  return x.graph.apply1(addOp, [x, y], {});
}
