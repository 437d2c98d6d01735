import { lowResOf, type SamConfig } from '../../config/sam.ts';
import type { DecodeShape } from '../../sam/graphs.ts';
import { type PackedPrompts, slicePrompts } from '../../sam/prompts.ts';
import { SUPERVISION_MODES } from '../../train/losses.ts';
import type { CaseDescription } from './set.ts';
import { itemOf, packRaw, type Vectors } from './vectors.ts';

/** One pass of the decoder that a case's file describes. */
export interface CasePass {
  /** What stands behind `masks.`, `iou.` and `loss.` in the file: the image, and in rounds the round too. */
  readonly key: string;
  /** Normalised and padded, [3, S, S]. */
  readonly image: Float32Array;
  /** Index of the dataset that is asked for. */
  readonly dataset: number;
  /** Whether it is its image's first pass. */
  readonly isFirst: boolean;
  readonly prompts: PackedPrompts;
  readonly shape: DecodeShape;
  /** By object: [side, side] of 0 and 1. */
  readonly targets: readonly Float32Array[];
  /** By object: a value of {@link SUPERVISION_MODES}. */
  readonly modes: readonly number[];
}

/**
 * The passes of a case: in rounds, every round of every image, each with all clicks so far and the mask of the round
 * before; otherwise each image with its one prompt, with token 0 supervised whatever the prompt is.
 */
export function casePasses(
  sam: SamConfig,
  batch: number,
  { form, first = [], rounds = 1, dataset }: CaseDescription,
  forward: Vectors,
  vectors: Vectors,
): CasePass[] {
  const imageOf = (b: number) => itemOf(forward.get('input.image'), b).data;
  if (form === 'rounds') {
    return first.flatMap((kind, b) =>
      Array.from({ length: rounds }, (_, k) => {
        const key = `${b}.${k}`;
        const isSingleClick = kind === 'click' && k === 0;
        return roundPass(sam, key, imageOf(b), k === 0, isSingleClick, `target.${b}`, vectors);
      }),
    );
  }
  const points = forward.get('input.points');
  const all = packRaw(sam, batch, points, forward.get('input.labels'), null, null);
  const pixels = lowResOf(sam) ** 2;
  return Array.from({ length: batch }, (_, b) => {
    const prompts = slicePrompts(all, b, b + 1);
    return {
      key: `${b}`,
      image: imageOf(b),
      dataset: dataset[b] ?? 0,
      isFirst: true,
      prompts,
      shape: { objects: 1, tokens: prompts.tokens, hasMask: false },
      targets: [itemOf(vectors.get('target.mask'), b).data.subarray(0, pixels)],
      modes: [SUPERVISION_MODES.unambiguous],
    };
  });
}

function roundPass(
  sam: SamConfig,
  key: string,
  image: Float32Array,
  isFirst: boolean,
  isSingleClick: boolean,
  targetKey: string,
  vectors: Vectors,
): CasePass {
  const input = (what: string) => vectors.find(`input.${what}.${key}`);
  const target = vectors.get(targetKey);
  const objects = target.shape[0] ?? 0;
  const mask = input('mask')?.data ?? null;
  const prompts = packRaw(sam, objects, input('points'), input('labels'), input('boxes'), mask);
  const mode = isSingleClick ? SUPERVISION_MODES.candidates : SUPERVISION_MODES.unambiguous;
  return {
    key,
    image,
    dataset: 0,
    isFirst,
    prompts,
    shape: { objects, tokens: prompts.tokens, hasMask: mask !== null },
    targets: Array.from({ length: objects }, (_, n) => itemOf(target, n).data),
    modes: Array.from({ length: objects }, () => mode),
  };
}
