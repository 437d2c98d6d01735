import { defineOp, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, show } from '../../graph/shape.ts';
import { planesPass } from '../planes.ts';
import { required } from '../required.ts';

/**
 * The upper left corner of planes, x [N, h, w] → [N, h2, w2], as SAM crops the padding off masks. For inference only.
 */
export const cropOp = defineOp({
  name: 'crop',
  inputs: ['x'],
  shapes: ([x], { h2, w2 }: { readonly h2: number; readonly w2: number }) => {
    const shape = required(x, 'crop: x');
    expectShape(
      shape.length === 3 && h2 <= axis(shape, 1) && w2 <= axis(shape, 2),
      'crop',
      () => `${h2} × ${w2} of ${show(shape)}`,
    );
    return [[axis(shape, 0), h2, w2]];
  },
  passes: ({ inputs: [x], attrs: { h2, w2 } }) => [
    planesPass('crop/forward', required(x, 'crop: x'), [h2, w2], 1),
  ],
  backward: { x: 'none' },
  reference: ([x], [shape], { h2, w2 }) => {
    const [N, h, w] = [axis(shape ?? [], 0), axis(shape ?? [], 1), axis(shape ?? [], 2)];
    const out = new Float64Array(N * h2 * w2);
    for (let n = 0; n < N; n++)
      for (let row = 0; row < h2; row++)
        for (let column = 0; column < w2; column++)
          out[(n * h2 + row) * w2 + column] = x?.[(n * h + row) * w + column] ?? 0;
    return [out];
  },
  cases: [
    { inputs: [[1, 1, 1]], attrs: { h2: 1, w2: 1 } },
    { inputs: [[3, 7, 11]], attrs: { h2: 5, w2: 11 } },
    { inputs: [[2, 13, 5]], attrs: { h2: 13, w2: 2 } },
  ],
});

export function crop(x: Tensor, h2: number, w2: number): Tensor {
  return x.graph.apply1(cropOp, [x], { h2, w2 });
}
