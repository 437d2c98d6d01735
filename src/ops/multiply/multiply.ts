import { defineOp, type Tensor } from '../../graph/graph.ts';
import { suffixShapes } from '../add/add.ts';
import { combinePass } from '../add/combine.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';

/** `x ⊙ y`, element by element, where `y` has `x`'s shape or a suffix of it and repeats over the leading axes. */
export const multiplyOp = defineOp({
  name: 'multiply',
  inputs: ['x', 'y'],
  shapes: suffixShapes('multiply'),
  passes: ({ inputs: [, y], outputs: [out] }) => [
    combinePass({ x: { input: 0 }, y: { input: 1 }, out: { output: 0 }, multiplies: true }, { out, y }),
  ],
  backward: {
    x: ({ dout, input }) => multiply(dout, input(1)),
    y: ({ dout, input }) => sumLeading(multiply(dout, input(0)), input(1).shape),
  },
  reference: ([x, y]) => {
    if (!x || !y) throw new RangeError('multiply: two inputs');
    return [x.map((value, i) => value * (y[i % y.length] ?? 0))];
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
    { inputs: [[3, 5, 7], [7]], attrs: {}, note: 'a channel each' },
    { inputs: [[3, 5, 12], [12]], attrs: {}, note: 'in fours' },
    { inputs: [[4, 7], [7]], attrs: {}, note: 'in fours but for y' },
  ],
});

export function multiply(x: Tensor, y: Tensor): Tensor {
  return x.graph.apply1(multiplyOp, [x, y], {});
}
