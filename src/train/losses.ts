import type { Graph, Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { maskIou } from '../ops/mask-iou/mask-iou.ts';
import { maskLoss } from '../ops/mask-loss/mask-loss.ts';
import { samLoss } from '../ops/sam-loss/sam-loss.ts';
import type { DecoderOutputs } from '../sam/mask-decoder.ts';

/** Names of the graph's inputs for the loss. */
export const LOSS_INPUTS = { target: 'target', mode: 'mode', weight: 'weight' } as const;

/** Values of the input `mode`: token 0 alone is supervised, or, as after a single click, the best of tokens 1–3. */
export const SUPERVISION_MODES = { unambiguous: 0, candidates: 1 } as const;

/** What a pass gives of each object: focal, dice and IoU loss, and the token. */
export const PARTS = 4;

/** Losses of N objects. */
export interface LossTensors {
  /** [N]: weight · (20·focal + dice + iou); their sum is the step's loss. */
  readonly loss: Tensor;
  /** [N, 4], without the weight: focal, dice, iou of what was supervised, and the token. */
  readonly parts: Tensor;
}

/**
 * SAM's loss at the low-res grid: 20·focal(α 0.25, γ 2) + dice(smooth 1) + squared error of the predicted IoU.
 * Declares the inputs `target` [N, P] in {0, 1}, or -1 where a cell takes no part, `mode` [N] (see
 * {@link SUPERVISION_MODES}) and `weight` [N] (1 / number of rounds, objects and images, so that losses sum to a mean).
 */
export function traceLoss(graph: Graph, { masks, iou }: DecoderOutputs): LossTensors {
  const [N, M, side] = [axis(masks.shape, 0), axis(masks.shape, 1), axis(masks.shape, 2)];
  const logits = masks.view([N, M, side * side]);
  const target = graph.input(LOSS_INPUTS.target, [N, side * side]);
  const { loss, saved } = samLoss(
    maskLoss(logits, target),
    iou,
    maskIou(logits, target),
    graph.input(LOSS_INPUTS.mode, [N]),
    graph.input(LOSS_INPUTS.weight, [N]),
  );
  return { loss, parts: saved };
}
