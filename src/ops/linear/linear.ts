import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, rowsOf, type Shape, show } from '../../graph/shape.ts';
import { matmulPasses, matmulScratch } from '../matmul/kernels.ts';
import { matmul } from '../matmul/matmul.ts';
import type { MatmulProblem } from '../matmul/tiles.ts';
import { sumLeading } from '../sum-leading/sum-leading.ts';

/** `x · weightᵀ + bias`: x [.., K], weight [N, K], bias [N] → [.., N]; PyTorch's `nn.Linear`. */
export const linearOp = defineOp({
  name: 'linear',
  inputs: ['x', 'weight', 'bias'],
  optional: ['bias'],
  shapes: ([x, weight, bias]) => {
    if (!x || !weight) throw new RangeError('linear: x and weight');
    const N = axis(weight, 0);
    expectShape(
      weight.length === 2 && axis(weight, 1) === lastOf(x),
      'linear',
      () => `weight ${show(weight)} for x ${show(x)}`,
    );
    expectShape(
      !bias || lastOf(bias) === N,
      'linear',
      () => `bias ${show(bias ?? [])} for weight ${show(weight)}`,
    );
    return [[...x.slice(0, -1), N]];
  },
  scratch: ({ inputs: [x, weight], traits }) => matmulScratch(problemOf(x, weight), {}, traits),
  passes: ({ inputs: [x, weight, bias], traits }) =>
    matmulPasses(
      problemOf(x, weight),
      { a: { input: 0 }, b: { input: 1 }, out: { output: 0 }, scratch: { from: 0 } },
      { bias: bias ? { input: 2 } : null },
      traits,
    ),
  backward: {
    x: ({ dout, input }) => matmul(flat(dout), input(1)).view(input(0).shape),
    weight: ({ dout, input }) => matmul(flat(dout), flat(input(0)), { aT: true }),
    bias: ({ dout, input }) => sumLeading(flat(dout), input(2).shape),
  },
  reference: ([x, weight, bias], [, shape]) => {
    if (!x || !weight || !shape) throw new RangeError('linear: x and weight');
    const [N, K] = [axis(shape, 0), axis(shape, 1)];
    const rows = x.length / K;
    const out = new Float64Array(rows * N);
    for (let m = 0; m < rows; m++) {
      for (let n = 0; n < N; n++) {
        let sum = bias?.[n] ?? 0;
        for (let k = 0; k < K; k++) sum += (x[m * K + k] ?? 0) * (weight[n * K + k] ?? 0);
        out[m * N + n] = sum;
      }
    }
    return [out];
  },
  cases: [
    { inputs: [[1, 1], [1, 1], [1]], attrs: {} },
    { inputs: [[3, 5, 7], [11, 7], [11]], attrs: {} },
    { inputs: [[3, 5, 7], [11, 7], null], attrs: {} },
    { inputs: [[2, 37, 24], [67, 24], [67]], attrs: {} },
    { inputs: [[64, 32], [32, 32], [32]], attrs: {}, note: 'whole tiles' },
  ],
});

function problemOf(x: Shape | null | undefined, weight: Shape | null | undefined): MatmulProblem {
  if (!x || !weight) throw new RangeError('linear: x and weight');
  return { batch: 1, M: rowsOf(x), N: axis(weight, 0), K: lastOf(x), aT: false, bT: true };
}

/** All rows in one axis. */
function flat(tensor: Tensor): Tensor {
  return tensor.view([rowsOf(tensor.shape), lastOf(tensor.shape)]);
}

export function linear(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  return x.graph.apply1(linearOp, [x, weight, bias], {});
}
