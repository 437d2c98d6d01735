import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, type Shape, sameShape, show } from '../../graph/shape.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';
import { combinePass } from './combine.ts';

/** The shape rule of an op on x and y, where `y` has `x`'s shape or a suffix of it: x's. */
export function suffixShapes(op: string): (inputs: readonly (Shape | null)[]) => Shape[] {
  return ([x, y]) => {
    if (!x || !y) throw new RangeError(`${op}: two inputs`);
    expectShape(
      sameShape(y, x.slice(x.length - y.length)),
      op,
      () => `${show(y)} is no suffix of ${show(x)}`,
    );
    return [x];
  };
}

/** `x + y`, where `y` has `x`'s shape or a suffix of it and repeats over the leading axes. */
export const addOp = defineOp({
  name: 'add',
  inputs: ['x', 'y'],
  shapes: suffixShapes('add'),
  passes: ({ inputs: [, y], outputs: [out] }) => [
    combinePass({ x: { input: 0 }, y: { input: 1 }, out: { output: 0 } }, { out, y }),
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
    { inputs: [[3, 5, 12], [12]], attrs: {}, note: 'in fours' },
    { inputs: [[4, 7], [7]], attrs: {}, note: 'in fours but for y' },
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
