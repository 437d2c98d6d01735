import { lowResOf, type SamConfig } from '../config/sam.ts';
import { gradients } from '../graph/grad.ts';
import type { Graph } from '../graph/graph.ts';
import { recomputeCheap } from '../graph/recompute.ts';
import { accumulate } from '../ops/accumulate/accumulate.ts';
import { activationOp } from '../ops/activation/activation.ts';
import { add, addOp } from '../ops/add/add.ts';
import { CLICK_DRAW, correctiveClick } from '../ops/corrective-click/corrective-click.ts';
import { layernormOp } from '../ops/layernorm/layernorm.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import type { TrainableTensor } from '../peft/tensors.ts';
import { embeddingShapes } from '../sam/encoder.ts';
import { type DecodeShape, decodeGraph, type TokenOf } from '../sam/graphs.ts';
import type { BesideSource } from '../sam/mask-decoder.ts';
import { padsBoxes } from '../sam/prompts.ts';
import { embeddingGradName } from './encoder-graph.ts';
import { LOSS_INPUTS, PARTS, traceLoss } from './losses.ts';
import { besideName, gradName, type TensorsBeside } from './parameter-buffers.ts';

/** Names of the decoder's inputs and outputs that are neither embeddings, weights nor supervision; the first ones are SAM's. */
export const DECODER = {
  imageIndex: 'imageIndex',
  imagePe: 'imagePe',
  coords: 'coords',
  labels: 'labels',
  maskInput: 'maskInput',
  nextCoords: 'nextCoords',
  nextLabels: 'nextLabels',
  draw: 'draw',
  masks: 'masks',
  iou: 'iou',
  seed: 'dloss',
  loss: 'loss',
  parts: 'parts',
  sums: 'lossSums',
} as const;

/** Tokens of a click and the padding point. */
const CLICK_TOKENS = 2;

/** Numbers of tokens that a first prompt can have, the least first: a click's, and a box's where that is padded too. */
export function firstTokens(sam: SamConfig): readonly number[] {
  return padsBoxes(sam) ? [CLICK_TOKENS, CLICK_TOKENS + 1] : [CLICK_TOKENS];
}

/** The phases of a pass, in their order: masks and losses; their sums; the next prompt; gradients. */
export const DECODER_PHASES = {
  forward: 'forward',
  sums: 'sums',
  click: 'click',
  backward: 'backward',
} as const;

/** The pass of round `round` (from 0) for `objects` objects. @param first tokens of their first prompts. */
export function roundShape(objects: number, round: number, first: number): DecodeShape {
  return { objects, tokens: first + round, hasMask: round > 0 };
}

/** Above so many, not every number of objects has a plan of its own. */
const MOST_EXACT = 5;

/**
 * The numbers of objects for which passes are planned, from `most` down to 1; a pass of another number is filled up
 * with objects of weight 0. So plans are few, and no pass is filled up by more than half.
 */
export function objectCounts(most: number): number[] {
  const counts: number[] = [];
  for (let n = most; n >= 1; n = n > MOST_EXACT + 1 ? Math.max(MOST_EXACT, Math.floor((2 * n) / 3)) : n - 1)
    counts.push(n);
  return counts;
}

/** One string for each shape of the passes of one plan. */
export function decoderKey({ objects, tokens, hasMask }: DecodeShape): string {
  return `${objects}x${tokens}${hasMask ? 'm' : ''}`;
}

/**
 * SAM's {@link decodeGraph} with the losses (`loss` [N], `parts` [N, 4], see losses.ts). The phase `sums` adds the weighted
 * parts of all objects to `lossSums` [4]; `click` makes the prompt of the next round, see `ops/corrective-click`; `backward`: for
 * the seed `dloss` [N] it adds the decoder's gradients to `grad.*` and the embeddings' to `dembedding` [h, w, D] …, or
 * [B, h, w, D] of several images.
 * @param trained all trained tensors; those that the mask decoder reads get a gradient.
 * @param intoEncoder whether the encoder needs the embeddings' gradients.
 * @param isCorrected whether another round may follow.
 * @param isLean whether large values that are cheap to make are made again for the backward.
 * @param beside trained tensors that stand side by side, whose layers run at once.
 * @param tokenOf a further token for each prompt.
 */
export function decoderTrainingGraph(
  sam: SamConfig,
  shape: DecodeShape,
  trained: readonly TrainableTensor[],
  intoEncoder: boolean,
  isCorrected: boolean,
  isLean = false,
  beside: readonly TensorsBeside[] = [],
  tokenOf?: TokenOf,
): Graph {
  const graph = decodeGraph(sam, shape, (own) => besideSource(own, beside), tokenOf);
  const [masks, iou] = [graph.outputs.get(DECODER.masks), graph.outputs.get(DECODER.iou)];
  if (!masks || !iou) throw new RangeError('the decoder has no masks');
  const { loss, parts } = traceLoss(graph, { masks, iou });
  graph.output(DECODER.loss, loss);
  graph.output(DECODER.parts, parts);
  const { objects, tokens } = shape;
  graph.phase = DECODER_PHASES.sums;
  const weight = graph.input(LOSS_INPUTS.weight, [objects]);
  accumulate(graph.input(DECODER.sums, [1, PARTS]), matmul(weight.view([1, objects]), parts));
  if (isCorrected) {
    graph.phase = DECODER_PHASES.click;
    const side = lowResOf(sam);
    const tensors = {
      masks,
      iou,
      mode: graph.input(LOSS_INPUTS.mode, [objects]),
      target: graph.input(LOSS_INPUTS.target, [objects, side * side]),
      draw: graph.input(DECODER.draw, [objects, CLICK_DRAW]),
      coords: graph.input(DECODER.coords, [objects, tokens, 2]),
      labels: graph.input(DECODER.labels, [objects, tokens]),
      mask: graph.input(DECODER.maskInput, [objects, side, side]),
      nextCoords: graph.input(DECODER.nextCoords, [objects, tokens + 1, 2]),
      nextLabels: graph.input(DECODER.nextLabels, [objects, tokens + 1]),
    };
    correctiveClick(tensors, sam.imageSize / side);
  }
  graph.phase = DECODER_PHASES.backward;
  const targets = trained
    .filter(({ part }) => part === 'decoder')
    .map(({ name, shape: size }) => ({ name, accumulator: gradName(name), size }));
  if (intoEncoder) {
    for (const [name, size] of Object.entries(embeddingShapes(sam, shape.images)))
      targets.push({ name, accumulator: embeddingGradName(name), size });
  }
  const wrt = targets.map(({ name, size }) => graph.input(name, size));
  const seed = graph.input(DECODER.seed, [objects]);
  gradients(graph, [{ tensor: loss, seed }], wrt, add).forEach((gradient, i) => {
    const target = targets[i];
    if (gradient && target) accumulate(graph.input(target.accumulator, target.size), gradient);
  });
  if (isLean) recomputeCheap(graph, [addOp, layernormOp, activationOp], DECODER_PHASES.backward);
  return graph;
}

/** Trained tensors that stand side by side, with their accumulators. */
function besideSource(graph: Graph, beside: readonly TensorsBeside[]): BesideSource {
  return (names) => {
    const name = besideName(names);
    const range = beside.find((candidate) => candidate.name === name);
    if (!range) return null;
    const flat = (input: string) => graph.input(input, [range.bytes / 4]);
    return { values: flat(name), gradient: flat(gradName(name)), stride: range.stride / 4 };
  };
}
