import { defineOp } from '../../graph/graph.ts';
import { expectShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Four accumulations at once, as many as eight bindings allow: `targetK += xK`, each pair of its own size. */
export const accumulateFourOp = defineOp({
  name: 'accumulateFour',
  inputs: ['target0', 'x0', 'target1', 'x1', 'target2', 'x2', 'target3', 'x3'],
  mutates: ['target0', 'target1', 'target2', 'target3'],
  shapes: (inputs) => {
    for (let i = 0; i < 8; i += 2) {
      const [to, from] = [required(inputs[i], 'accumulateFour'), required(inputs[i + 1], 'accumulateFour')];
      expectShape(sizeOf(to) === sizeOf(from), 'accumulateFour', () => `${show(from)} onto ${show(to)}`);
    }
    return [];
  },
  passes: ({ inputs }) => {
    const sizes = [0, 2, 4, 6].map((i) => sizeOf(required(inputs[i], 'accumulateFour')));
    return [
      {
        shader: 'accumulate/four',
        constants: {},
        bindings: inputs.map((_, input) => ({ input })),
        workgroups: workgroups1d(Math.max(...sizes)),
        flops: sizes.reduce((sum, size) => sum + size, 0),
      },
    ];
  },
  backward: {
    target0: 'none',
    x0: 'none',
    target1: 'none',
    x1: 'none',
    target2: 'none',
    x2: 'none',
    target3: 'none',
    x3: 'none',
  },
  reference: (inputs) =>
    [0, 2, 4, 6].map((i) =>
      required(inputs[i], 'accumulateFour').map((value, k) => value + (inputs[i + 1]?.[k] ?? 0)),
    ),
  cases: [{ inputs: [[1], [1], [7, 13], [91], [131], [131], [5], [5]], attrs: {} }],
});
