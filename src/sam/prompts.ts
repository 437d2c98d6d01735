import { MASK_TOKENS, type SamConfig } from '../config/sam.ts';

/** A click in model pixels. */
export interface PointPrompt {
  readonly x: number;
  readonly y: number;
  readonly positive: boolean;
}

/** A box in model pixels: [x0, y0, x1, y1]. */
export type BoxPrompt = readonly [x0: number, y0: number, x1: number, y1: number];

/** What asks for one object: at least a point, a box or a mask. */
export interface ObjectPrompt {
  readonly points: readonly PointPrompt[];
  readonly box?: BoxPrompt | undefined;
  /** Logits of an earlier mask [4h, 4w]. */
  readonly mask?: Float32Array | undefined;
}

/** Prompts of N objects with T tokens each, as the prompt encoder takes them. */
export interface PackedPrompts {
  readonly objects: number;
  readonly tokens: number;
  /** [N, T, 2] as (x, y) in model pixels. */
  readonly coords: Float32Array;
  /** [N, T]: −1 padding point, 0 negative, 1 positive, 2 and 3 the corners of a box. */
  readonly labels: Float32Array;
  /** [N, 4h, 4w] or null. */
  readonly maskInput: Float32Array | null;
}

/** The model that prompts are for, as far as it decides their tokens. */
type Asked = Pick<SamConfig, 'decoder'>;

/** Whether the padding point stands behind a box too. */
export function padsBoxes({ decoder }: Asked): boolean {
  return decoder.kind === 'sam2';
}

/**
 * Tokens of one prompt: its points, then SAM's padding point, or the two corners of its box in place of that; SAM 2 has both. A
 * mask alone has none.
 */
export function tokensOf(
  { points, box, mask }: ObjectPrompt,
  { decoder }: Asked,
): { coords: number[]; labels: number[] } {
  if (mask && !box && points.length === 0) return { coords: [], labels: [] };
  const isPadded = !box || padsBoxes({ decoder });
  return {
    coords: [...points.flatMap(({ x, y }) => [x, y]), ...(box ?? []), ...(isPadded ? [0, 0] : [])],
    labels: [
      ...points.map(({ positive }) => (positive ? 1 : 0)),
      ...(box ? [2, 3] : []),
      ...(isPadded ? [-1] : []),
    ],
  };
}

/** Whether a prompt can mean several objects, so that tokens 1–3 answer it: a single click. */
export function isAmbiguous({ points, box }: ObjectPrompt): boolean {
  return points.length === 1 && !box;
}

/** What the decoder gave for a prompt, as far as it decides which mask is the answer. */
export interface Answered {
  /** Predicted IoU by token. */
  readonly iou: readonly number[];
  /** Logits by token. */
  readonly masks: readonly Float32Array[];
}

/**
 * The tokens that answer a prompt, in order: after a single click the candidates 1–3, best first; otherwise 0, then those. A SAM 2
 * whose own mask is not stable answers with the candidates there too, as its program does (`dynamic_multimask_via_stability`).
 */
export function answerTokens(prompt: ObjectPrompt, { iou, masks }: Answered, { decoder }: Asked): number[] {
  const candidates = Array.from({ length: MASK_TOKENS - 1 }, (_, i) => i + 1).sort(
    (a, b) => (iou[b] ?? 0) - (iou[a] ?? 0),
  );
  if (isAmbiguous(prompt)) return candidates;
  return decoder.kind === 'sam2' && !isStable(masks[0]) ? [...candidates, 0] : [0, ...candidates];
}

/** The first of {@link answerTokens}. */
export function answerToken(prompt: ObjectPrompt, answered: Answered, model: Asked): number {
  return answerTokens(prompt, answered, model)[0] ?? 0;
}

/** SAM 2's own numbers (sam2/configs): how far the logits are moved, and the IoU of the two masks that is still stable. */
const STABILITY_DELTA = 0.05;
const LEAST_STABILITY = 0.98;

/** Whether a mask stays nearly the same where its logits are moved a little. */
function isStable(logits: Float32Array = new Float32Array()): boolean {
  let [inner, outer] = [0, 0];
  for (const logit of logits) {
    if (logit > STABILITY_DELTA) inner++;
    if (logit > -STABILITY_DELTA) outer++;
  }
  return outer === 0 || inner / outer >= LEAST_STABILITY;
}

/**
 * Packs prompts that have the same number of tokens and all or none a mask.
 * @throws RangeError when they differ; see {@link groupPrompts}.
 */
export function packPrompts(prompts: readonly ObjectPrompt[], model: Asked): PackedPrompts {
  const parts = prompts.map((prompt) => tokensOf(prompt, model));
  const tokens = parts[0]?.labels.length ?? 0;
  const masks = prompts.flatMap(({ mask }) => (mask ? [mask] : []));
  const pixels = masks[0]?.length ?? 0;
  if (
    parts.some(({ labels }) => labels.length !== tokens) ||
    (masks.length > 0 && masks.length < prompts.length) ||
    masks.some(({ length }) => length !== pixels)
  ) {
    throw new RangeError('prompts of different shapes cannot be packed together');
  }
  let maskInput: Float32Array | null = null;
  if (masks.length > 0) {
    const all = new Float32Array(masks.length * pixels);
    masks.forEach((mask, i) => {
      all.set(mask, i * pixels);
    });
    maskInput = all;
  }
  return {
    objects: prompts.length,
    tokens,
    coords: Float32Array.from(parts.flatMap(({ coords }) => coords)),
    labels: Float32Array.from(parts.flatMap(({ labels }) => labels)),
    maskInput,
  };
}

/** Indexes of prompts by shape, each group fit for {@link packPrompts}. */
export function groupPrompts(prompts: readonly ObjectPrompt[], model: Asked): number[][] {
  const groups = new Map<string, number[]>();
  prompts.forEach((prompt, i) => {
    const key = `${tokensOf(prompt, model).labels.length} ${prompt.mask?.length ?? 0}`;
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  });
  return [...groups.values()];
}

/** The objects [from, to) of packed prompts. */
export function slicePrompts(prompts: PackedPrompts, from: number, to: number): PackedPrompts {
  const { tokens, coords, labels, maskInput, objects } = prompts;
  const pixels = maskInput ? maskInput.length / objects : 0;
  return {
    objects: to - from,
    tokens,
    coords: coords.subarray(from * tokens * 2, to * tokens * 2),
    labels: labels.subarray(from * tokens, to * tokens),
    maskInput: maskInput?.subarray(from * pixels, to * pixels) ?? null,
  };
}
