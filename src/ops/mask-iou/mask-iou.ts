import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { pixelLanes } from '../pixel-sums.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';

function maskSizes(logits: Shape | null | undefined, target: Shape | null | undefined) {
  const given = required(logits, 'maskIou: logits');
  const wanted = required(target, 'maskIou: target');
  expectShape(given.length === 3, 'maskIou', () => `logits ${show(given)} are not [N, M, P]`);
  const [N, M, P] = [axis(given, 0), axis(given, 1), axis(given, 2)];
  expectShape(sizeOf(wanted) === N * P, 'maskIou', () => `target ${show(wanted)} for logits ${show(given)}`);
  return { N, M, P };
}

/** Counts of a lane: pixels in both masks, in either, and that take part. */
const COUNTS = 3;

/**
 * IoU of the masks `logits > 0` with the target: logits [N, M, P], target [N, P] in {0, 1}, or -1 where a pixel takes
 * no part → [N, M]. Two empty masks have an IoU of 0; without a pixel that takes part it is -1. A constant for the losses: no gradient passes.
 */
export const maskIouOp = defineOp({
  name: 'maskIou',
  inputs: ['logits', 'target'],
  shapes: ([logits, target]) => {
    const { N, M } = maskSizes(logits, target);
    return [[N, M]];
  },
  scratch: ({ inputs: [logits, target], traits }) => {
    const { N, M, P } = maskSizes(logits, target);
    return selectFamily('reduce', traits) === 'workgroup' ? [] : [[N * M, pixelLanes(P), COUNTS]];
  },
  passes: ({ inputs: [logits, target], traits }) => {
    const { N, M, P } = maskSizes(logits, target);
    if (selectFamily('reduce', traits) === 'workgroup') {
      return [
        {
          shader: 'mask-iou/tree',
          constants: { M, P },
          bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
          workgroups: workgroups1d(N * M, 1),
          flops: 4 * N * M * P,
        },
      ];
    }
    const lanes = pixelLanes(P);
    return [
      {
        shader: 'mask-iou/partial',
        constants: { M, P, LANES: lanes },
        bindings: [{ input: 0 }, { input: 1 }, { scratch: 0 }],
        workgroups: workgroups1d(N * M * lanes),
        flops: 4 * N * M * P,
      },
      {
        shader: 'mask-iou/finish',
        constants: { LANES: lanes },
        bindings: [{ scratch: 0 }, { output: 0 }],
        workgroups: workgroups1d(N * M),
        flops: COUNTS * N * M * lanes,
      },
    ];
  },
  backward: { logits: 'none', target: 'none' },
  reference: ([logits, target], [shape, targetShape]) => {
    const { N, M, P } = maskSizes(shape, targetShape);
    const out = new Float64Array(N * M);
    for (let row = 0; row < N * M; row++) {
      let [both, either, count] = [0, 0, 0];
      for (let i = 0; i < P; i++) {
        const t = target?.[Math.floor(row / M) * P + i] ?? 0;
        if (t < 0) continue;
        const predicted = (logits?.[row * P + i] ?? 0) > 0;
        const real = t > 0.5;
        count++;
        if (predicted && real) both++;
        if (predicted || real) either++;
      }
      out[row] = count > 0 ? both / Math.max(either, 1) : -1;
    }
    return [out];
  },
  cases: [
    iouCase(1, 1, 1),
    iouCase(2, 3, 37),
    iouCase(3, 4, 1031),
    {
      ...iouCase(1, 1, 7),
      values: {
        0: (shape) => new Float64Array(sizeOf(shape)),
        1: (shape) => new Float64Array(sizeOf(shape)),
      },
      note: 'two empty masks; a logit of 0 is background',
    },
    {
      ...iouCase(3, 2, 600),
      values: {
        1: (shape) =>
          Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
            i < 600 ? ((i * 7) % 3) - 1 : i < 1200 ? -1 : i % 2,
          ),
      },
      note: 'some pixels, all and none take no part',
    },
  ],
});

function iouCase(N: number, M: number, P: number): OpCase<object> {
  return {
    inputs: [
      [N, M, P],
      [N, P],
    ],
    attrs: {},
    values: {
      1: (shape) =>
        Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * i * 7 + i * 3) % 11 < 5 ? 1 : 0)),
    },
  };
}

export function maskIou(logits: Tensor, target: Tensor): Tensor {
  return logits.graph.apply1(maskIouOp, [logits, target], {});
}
