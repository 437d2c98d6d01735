import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, show, sizeOf } from '../../graph/shape.ts';
import { combinePass } from '../add/combine.ts';
import { required } from '../required.ts';

/** `target += x` in place, for gradients summed over replays; target and x have the same number of elements. */
export const accumulateOp = defineOp({
  name: 'accumulate',
  inputs: ['target', 'x'],
  mutates: ['target'],
  shapes: ([target, x]) => {
    const [to, from] = [required(target, 'accumulate: target'), required(x, 'accumulate: x')];
    expectShape(sizeOf(to) === sizeOf(from), 'accumulate', () => `${show(from)} onto ${show(to)}`);
    return [];
  },
  passes: ({ inputs: [target, x] }) => [
    // x has as many values, perhaps under another shape.
    combinePass({ y: { input: 1 }, out: { input: 0 }, adds: true }, { out: target, y: x }),
  ],
  backward: { target: 'none', x: 'none' },
  reference: ([target, x]) => [
    required(target, 'accumulate: target').map((value, i) => value + (x?.[i] ?? 0)),
  ],
  cases: [
    { inputs: [[1], [1]], attrs: {} },
    { inputs: [[3, 20], [60]], attrs: {}, note: 'in fours' },
    {
      inputs: [
        [7, 13],
        [7, 13],
      ],
      attrs: {},
    },
  ],
});

export function accumulate(target: Tensor, x: Tensor): void {
  target.graph.apply(accumulateOp, [target, x], {});
}
