import { type BackwardContext, defineOp, type OpCase, type Tensor } from '../../graph/graph.ts';
import type { Pass } from '../../graph/pass.ts';
import { axis, expectShape, type Shape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';

/** Weight of the focal loss beside the dice loss. */
export const FOCAL = 20;

/** Objects and mask tokens of each. */
interface MaskTokens {
  readonly N: number;
  readonly M: number;
}

function maskTokens(predictedIou: Shape | null | undefined): MaskTokens {
  const shape = required(predictedIou, 'samLoss: predictedIou');
  expectShape(shape.length === 2, 'samLoss', () => `predictedIou ${show(shape)} is not [N, M]`);
  return { N: axis(shape, 0), M: axis(shape, 1) };
}

/** The token whose mask is supervised: 0, or among 1 … M − 1 the first with the least 20·focal + dice. */
function chooseToken(parts: Float64Array, n: number, M: number, several: boolean): number {
  if (!several) return 0;
  const cost = (m: number) => FOCAL * (parts[(n * M + m) * 2] ?? 0) + (parts[(n * M + m) * 2 + 1] ?? 0);
  let best = 1;
  for (let m = 2; m < M; m++) if (cost(m) < cost(best)) best = m;
  return best;
}

/**
 * SAM's loss of every object: `weight · (20·focal + dice + iou)` → [N].
 *
 * parts [N, M, 2] are the mask losses of every token (focal, dice); predictedIou and realIou [N, M].
 * mode [N] says what is supervised. 0: token 0 alone, iou = its squared error. 1: of the tokens 1 … M − 1 the mask
 * of the one with the least 20·focal + dice, iou = the mean squared error of all of them, so that the ranking is
 * learned (M ≥ 2).
 * weight [N] makes the mean over rounds and objects; 0 leaves an object out. The real IoU is a constant; -1 where no
 * pixel takes part, which has no error.
 * Saves [N, 4], without the weight: focal, dice, iou of what was supervised, and the token.
 */
export const samLossOp = defineOp({
  name: 'samLoss',
  inputs: ['parts', 'predictedIou', 'realIou', 'mode', 'weight'],
  shapes: ([parts, predictedIou, realIou, mode, weight]) => {
    const { N, M } = maskTokens(predictedIou);
    const fits = (shape: Shape | null | undefined, size: number, name: string) =>
      expectShape(
        sizeOf(shape ?? []) === size,
        'samLoss',
        () => `${name} ${show(shape ?? [])} for [${N}, ${M}]`,
      );
    fits(parts, N * M * 2, 'parts');
    fits(realIou, N * M, 'realIou');
    fits(mode, N, 'mode');
    fits(weight, N, 'weight');
    return [[N], [N, 4]];
  },
  passes: ({ inputs: [, predictedIou] }) => {
    const { N, M } = maskTokens(predictedIou);
    return [lossPass('sam-loss/forward', 5, N, { N, M })];
  },
  backward: {
    parts: (context) => both(context)[0],
    predictedIou: (context) => both(context)[1],
    realIou: 'none',
    mode: 'none',
    weight: 'none',
  },
  reference: ([parts, predictedIou, realIou, mode, weight], [, shape]) => {
    const { N, M } = maskTokens(shape);
    const given = required(parts, 'samLoss: parts');
    const loss = new Float64Array(N);
    const saved = new Float64Array(N * 4);
    for (let n = 0; n < N; n++) {
      const several = (mode?.[n] ?? 0) > 0.5;
      const token = chooseToken(given, n, M, several);
      const tokens = several ? Array.from({ length: M - 1 }, (_, m) => m + 1) : [0];
      const errors = tokens.map((m) => {
        const real = realIou?.[n * M + m] ?? 0;
        return real < 0 ? 0 : ((predictedIou?.[n * M + m] ?? 0) - real) ** 2;
      });
      const iou = errors.reduce((sum, error) => sum + error, 0) / errors.length;
      const [focal, dice] = [given[(n * M + token) * 2] ?? 0, given[(n * M + token) * 2 + 1] ?? 0];
      loss[n] = (weight?.[n] ?? 0) * (FOCAL * focal + dice + iou);
      saved.set([focal, dice, iou, token], n * 4);
    }
    return [loss, saved];
  },
  cases: [
    lossCase(1, 1),
    lossCase(1, 4),
    lossCase(7, 4),
    lossCase(5, 2),
    lossCase(4, 4, (i) => (i < 8 ? -1 : i / 16)),
  ],
});

/** Gradient of {@link samLossOp}: → dparts [N, M, 2] and dpredictedIou [N, M]. */
export const samLossBackwardOp = defineOp({
  name: 'samLossBackward',
  inputs: ['predictedIou', 'realIou', 'mode', 'weight', 'saved', 'dout'],
  shapes: ([predictedIou]) => {
    const { N, M } = maskTokens(predictedIou);
    return [
      [N, M, 2],
      [N, M],
    ];
  },
  passes: ({ inputs: [predictedIou] }) => {
    const { N, M } = maskTokens(predictedIou);
    return [lossPass('sam-loss/backward', 6, N * M, { N, M })];
  },
  backward: {
    predictedIou: 'none',
    realIou: 'none',
    mode: 'none',
    weight: 'none',
    saved: 'none',
    dout: 'none',
  },
  reference: { checkedBy: 'samLoss' },
  cases: [],
});

/** A pass that binds the first inputs and both outputs. */
function lossPass(shader: string, inputs: number, threads: number, { N, M }: MaskTokens): Pass {
  return {
    shader,
    constants: { M, FOCAL },
    bindings: [...Array.from({ length: inputs }, (_, input) => ({ input })), { output: 0 }, { output: 1 }],
    workgroups: workgroups1d(threads),
    flops: 6 * N * M,
  };
}

/** Both gradients; the rules of the two inputs share the node. */
function both({ graph, input, output, dout }: BackwardContext<object>): [Tensor, Tensor] {
  const [dparts, dpredicted] = graph.apply(
    samLossBackwardOp,
    [input(1), input(2), input(3), input(4), output(1), dout],
    {},
  );
  return [
    required(dparts, 'samLossBackward: dparts').view(input(0).shape),
    required(dpredicted, 'samLossBackward: dpredictedIou').view(input(1).shape),
  ];
}

/** @param realIou the real IoUs, if they are not the same fractions as the predicted ones. */
function lossCase(N: number, M: number, realIou?: (i: number) => number): OpCase<object> {
  const fractions = (shape: Shape) =>
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(((i * 29 + 5) % 53) / 53));
  return {
    inputs: [[N, M, 2], [N, M], [N, M], [N], [N]],
    attrs: {},
    values: {
      0: fractions,
      1: fractions,
      ...(realIou && {
        2: (shape: Shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => realIou(i)),
      }),
      // With a single token there is nothing to choose from.
      3: (shape) => Float64Array.from({ length: sizeOf(shape) }, (_, i) => (M > 1 ? (i + 1) % 2 : 0)),
    },
  };
}

/** The weighted losses [N]; the second tensor is what {@link samLossOp} saved, for the record. */
export function samLoss(
  parts: Tensor,
  predictedIou: Tensor,
  realIou: Tensor,
  mode: Tensor,
  weight: Tensor,
): { readonly loss: Tensor; readonly saved: Tensor } {
  const [loss, saved] = parts.graph.apply(samLossOp, [parts, predictedIou, realIou, mode, weight], {});
  return { loss: required(loss, 'samLoss: loss'), saved: required(saved, 'samLoss: saved') };
}
