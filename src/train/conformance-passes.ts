import { lowResOf, type SamConfig } from '../config/sam.ts';
import { imageTransform } from '../data/preprocess.ts';
import type { HostTensor } from '../sam/checkpoint/safetensors.ts';
import type { DecodeShape } from '../sam/graphs.ts';
import { SUPERVISE } from './losses.ts';
import type { PreparedImage, PromptTokens } from './step.ts';

export type Tensors = ReadonlyMap<string, HostTensor>;

/** Several rounds of prompts an image, each with all clicks so far and the mask of the round before. */
export interface RoundsForm {
  /** For each image what it begins with. */
  readonly first: readonly ('click' | 'box')[];
  readonly rounds: number;
  readonly objects: number;
}

/** One pass of the decoder that a file describes. */
export interface ConformancePass {
  /** What stands behind `masks.`, `iou.` and `loss.` in the file: the image, in rounds the round too. */
  readonly key: string;
  /** Index in the batch. */
  readonly batch: number;
  /** Whether it is its image's first. */
  readonly isFirst: boolean;
  readonly image: PreparedImage;
  readonly shape: DecodeShape;
}

/** Image b with its one prompt, token 0 supervised whatever the prompt is; or every round of every image. */
export function passesOf(
  sam: SamConfig,
  batch: number,
  rounds: RoundsForm | null,
  forward: Tensors,
  vectors: Tensors,
): ConformancePass[] {
  if (!rounds) return Array.from({ length: batch }, (_, b) => singlePass(sam, b, forward, vectors));
  return rounds.first.flatMap((first, b) =>
    Array.from({ length: rounds.rounds }, (_, k) =>
      roundPass(sam, b, k, first === 'click' && k === 0, rounds.objects, forward, vectors),
    ),
  );
}

function singlePass(sam: SamConfig, b: number, forward: Tensors, vectors: Tensors): ConformancePass {
  const tokens = padded(row(forward, 'input.points', b), row(forward, 'input.labels', b), null);
  return {
    key: `${b}`,
    batch: b,
    isFirst: true,
    shape: { objects: 1, tokens: tokens.labels.length, hasMask: false },
    image: {
      input: row(forward, 'input.image', b),
      transform: wholeSquare(sam),
      objects: [
        {
          target: row(vectors, 'target.mask', b).subarray(0, lowResOf(sam) ** 2),
          prompt: { points: [] },
          tokens,
          supervise: SUPERVISE.unambiguous,
        },
      ],
    },
  };
}

function roundPass(
  sam: SamConfig,
  b: number,
  k: number,
  isSingleClick: boolean,
  count: number,
  forward: Tensors,
  vectors: Tensors,
): ConformancePass {
  const key = `${b}.${k}`;
  const rowOf = (what: string, n: number) =>
    vectors.has(`input.${what}.${key}`) ? row(vectors, `input.${what}.${key}`, n) : null;
  const objects = Array.from({ length: count }, (_, n) => {
    const mask = rowOf('mask', n);
    return {
      target: row(vectors, `target.${b}`, n),
      prompt: { points: [], ...(mask && { mask }) },
      tokens: padded(rowOf('points', n), rowOf('labels', n), rowOf('boxes', n)),
      supervise: isSingleClick ? SUPERVISE.candidates : SUPERVISE.unambiguous,
    };
  });
  return {
    key,
    batch: b,
    isFirst: k === 0,
    shape: {
      objects: count,
      tokens: objects[0]?.tokens.labels.length ?? 0,
      hasMask: vectors.has(`input.mask.${key}`),
    },
    image: { input: row(forward, 'input.image', b), transform: wholeSquare(sam), objects },
  };
}

/** SAM appends its padding point to points without a box, else the box's corners. */
function padded(
  points: Float32Array | null,
  labels: Float32Array | null,
  box: Float32Array | null,
): PromptTokens {
  return {
    coords: [...(points ?? []), ...(box ?? [0, 0])],
    labels: [...(labels ?? []), ...(box ? [2, 3] : [-1])],
  };
}

function wholeSquare({ imageSize }: SamConfig) {
  return imageTransform(imageSize, imageSize, { size: imageSize, aspect: 'keep' });
}

/** Element `b` of a tensor's first axis. */
export function row(tensors: Tensors, name: string, b: number): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new RangeError(`the vectors have no tensor ${name}`);
  const size = tensor.data.length / (tensor.shape[0] ?? 1);
  return tensor.data.slice(b * size, (b + 1) * size);
}
