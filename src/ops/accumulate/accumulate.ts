import { defineOp, type Tensor } from '../../graph/graph.ts';
import { expectShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
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
  passes: ({ inputs: [target] }) => {
    const n = sizeOf(required(target, 'accumulate: target'));
    return [
      {
        shader: 'accumulate/forward',
        constants: {},
        bindings: [{ input: 0 }, { input: 1 }],
        workgroups: workgroups1d(n),
        flops: n,
      },
    ];
  },
  backward: { target: 'none', x: 'none' },
  reference: ([target, x]) => [
    required(target, 'accumulate: target').map((value, i) => value + (x?.[i] ?? 0)),
  ],
  cases: [
    { inputs: [[1], [1]], attrs: {} },
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
