import { defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { pixelLanes } from '../pixel-sums.ts';
import { required } from '../required.ts';
import { selectFamily } from '../select.ts';

const ALPHA = 0.25;
const SMOOTH = 1;
/** Sums of a lane: focal, Σ p·t, Σ p, Σ t and the pixels that take part. */
const LANE_SUMS = 5;
/** Sums kept for each row: focal, Σ p·t, Σ p + Σ t and the pixels that take part. */
const SUMS = 4;

function maskSizes(logits: Shape | null | undefined, target: Shape | null | undefined, op: string) {
  const given = required(logits, `${op}: logits`);
  const wanted = required(target, `${op}: target`);
  expectShape(given.length === 3, op, () => `logits ${show(given)} are not [N, M, P]`);
  const [N, M, P] = [axis(given, 0), axis(given, 1), axis(given, 2)];
  expectShape(sizeOf(wanted) === N * P, op, () => `target ${show(wanted)} for logits ${show(given)}`);
  return { N, M, P };
}

/**
 * The two mask losses of every candidate: logits [N, M, P], target [N, P] in {0, 1}, or -1 where a pixel
 * takes no part → [N, M, 2] (focal, dice).
 *
 * With p = σ(logits), over the pixels that take part: focal = mean of α_t · (1 − p_t)² · BCE, α = 0.25;
 * dice = 1 − (2 Σ p t + 1) / (Σ p + Σ t + 1). Both are computed from the logits and finite for any of them,
 * and 0 when no pixel takes part.
 * Saves [N, M, 4]: the sums that backward needs.
 */
export const maskLossOp = defineOp({
  name: 'maskLoss',
  inputs: ['logits', 'target'],
  shapes: ([logits, target]) => {
    const { N, M } = maskSizes(logits, target, 'maskLoss');
    return [
      [N, M, 2],
      [N, M, SUMS],
    ];
  },
  scratch: ({ inputs: [logits, target], traits }) => {
    const { N, M, P } = maskSizes(logits, target, 'maskLoss');
    return selectFamily('reduce', traits) === 'workgroup' ? [] : [[N * M, pixelLanes(P), LANE_SUMS]];
  },
  passes: ({ inputs: [logits, target], traits }) => {
    const { N, M, P } = maskSizes(logits, target, 'maskLoss');
    if (selectFamily('reduce', traits) === 'workgroup') {
      return [
        {
          shader: 'mask-loss/tree',
          constants: { M, P },
          bindings: [{ input: 0 }, { input: 1 }, { output: 0 }, { output: 1 }],
          workgroups: workgroups1d(N * M, 1),
          flops: 30 * N * M * P,
        },
      ];
    }
    const lanes = pixelLanes(P);
    return [
      {
        shader: 'mask-loss/partial',
        constants: { M, P, LANES: lanes },
        bindings: [{ input: 0 }, { input: 1 }, { scratch: 0 }],
        workgroups: workgroups1d(N * M * lanes),
        flops: 30 * N * M * P,
      },
      {
        shader: 'mask-loss/finish',
        constants: { LANES: lanes },
        bindings: [{ scratch: 0 }, { output: 0 }, { output: 1 }],
        workgroups: workgroups1d(N * M),
        flops: N * M * lanes * LANE_SUMS,
      },
    ];
  },
  backward: {
    logits: ({ graph, dout, input, output }) =>
      graph.apply1(maskLossBackwardOp, [input(0), input(1), output(1), dout], {}),
    target: 'none',
  },
  reference: ([logits, target], [shape, targetShape]) => {
    const { N, M, P } = maskSizes(shape, targetShape, 'maskLoss');
    const losses = new Float64Array(N * M * 2);
    const sums = new Float64Array(N * M * SUMS);
    for (let row = 0; row < N * M; row++) {
      let [focal, both, predicted, real, count] = [0, 0, 0, 0, 0];
      for (let i = 0; i < P; i++) {
        const x = logits?.[row * P + i] ?? 0;
        const t = target?.[Math.floor(row / M) * P + i] ?? 0;
        if (t < 0) continue;
        const p = 1 / (1 + Math.exp(-x));
        const bce = Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)));
        const missed = 1 - (p * t + (1 - p) * (1 - t));
        focal += (ALPHA * t + (1 - ALPHA) * (1 - t)) * missed * missed * bce;
        both += p * t;
        predicted += p;
        real += t;
        count++;
      }
      losses.set(
        [focal / Math.max(count, 1), 1 - (2 * both + SMOOTH) / (predicted + real + SMOOTH)],
        row * 2,
      );
      sums.set([focal, both, predicted + real, count], row * SUMS);
    }
    return [losses, sums];
  },
  cases: [
    maskCase(1, 1, 1),
    maskCase(2, 3, 37),
    maskCase(3, 4, 1031),
    {
      ...maskCase(1, 2, 600),
      values: {
        0: (shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7) % 41) * 5 - 100),
        1: halves,
      },
      note: 'logits up to ±100, where exp overflows if it is taken the wrong way round',
    },
    { ...maskCase(3, 2, 600), values: { 1: someIgnored }, note: 'some pixels, all and none take no part' },
  ],
});

/** Gradient of {@link maskLossOp} to the logits, from the sums that it saved; one thread an element. */
export const maskLossBackwardOp = defineOp({
  name: 'maskLossBackward',
  inputs: ['logits', 'target', 'sums', 'dout'],
  shapes: ([logits]) => [required(logits, 'maskLossBackward: logits')],
  passes: ({ inputs: [logits, target] }) => {
    const { N, M, P } = maskSizes(logits, target, 'maskLossBackward');
    return [
      {
        shader: 'mask-loss/backward',
        constants: { M, P },
        bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { output: 0 }],
        workgroups: workgroups1d(N * M * P),
        flops: 40 * N * M * P,
      },
    ];
  },
  backward: { logits: 'none', target: 'none', sums: 'none', dout: 'none' },
  reference: { checkedBy: 'maskLoss' },
  cases: [],
});

/** A target in which about half of the pixels are set. */
function halves(shape: Shape): Float64Array {
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) => ((i * i * 7 + i * 3) % 11 < 5 ? 1 : 0));
}

/** {@link halves} of which some pixels of the first row are ignored, all of the second and none of the third. */
function someIgnored(shape: Shape): Float64Array {
  const pixels = axis(shape, 1);
  const isIgnored = (i: number) => (i < pixels ? (i * i + i) % 7 < 3 : i < 2 * pixels);
  return halves(shape).map((t, i) => (isIgnored(i) ? -1 : t));
}

function maskCase(N: number, M: number, P: number): OpCase<object> {
  return {
    inputs: [
      [N, M, P],
      [N, P],
    ],
    attrs: {},
    values: { 1: halves },
  };
}

export function maskLoss(logits: Tensor, target: Tensor): Tensor {
  return logits.graph.apply1(maskLossOp, [logits, target], {});
}
