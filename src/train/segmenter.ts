import type { MopeftConfig } from '../config/mopeft.ts';
import { MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Executable } from '../graph/executable.ts';
import { gateOutput } from '../peft/build.ts';
import { modulesOf } from '../peft/modules.ts';
import { sitesOf } from '../sam/encoder.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import { isAmbiguous } from './prompts.ts';

/** Gates of one block by method id, each 0..1; a method without a module there is absent, one without gate is 1. */
export type GateLayer = Readonly<Record<string, number>>;

/** All four mask tokens for one object. */
export interface DecodedObject {
  /** Low-res logits of each token, [side, side]. */
  readonly masks: readonly Float32Array[];
  /** Predicted IoU of each token. */
  readonly iou: readonly number[];
}

/** A model that segments: one image at a time, any number of objects of it. */
export interface Segmenter {
  readonly sam: SamConfig;
  /**
   * Encodes an image [3, S, S]; what follows is about this image.
   * @param key names the image where it comes again unchanged; a segmenter whose encoder never changes may remember it.
   */
  encode(input: Float32Array, key?: string): Promise<void>;
  /** The gates that the encoded image drew, an entry for each block. */
  gates(): Promise<GateLayer[]>;
  /** Answers for several objects; all prompts have the same number of tokens. */
  decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]>;
}

/** One whose masks are cut at a logit of its own: 0 in SAM, a tuned model's see `mask-threshold.ts`. */
export interface ThresholdedSegmenter extends Segmenter {
  readonly maskThreshold: number;
}

/** The tokens that answer a prompt, in order: after a single click the candidates 1–3, best first; otherwise 0, then those. */
export function answerTokens(prompt: ObjectPrompt, iou: readonly number[]): number[] {
  const candidates = Array.from({ length: MASK_TOKENS - 1 }, (_, i) => i + 1).sort(
    (a, b) => (iou[b] ?? 0) - (iou[a] ?? 0),
  );
  return isAmbiguous(prompt) ? candidates : [0, ...candidates];
}

/** The first of {@link answerTokens}. */
export function answerToken(prompt: ObjectPrompt, iou: readonly number[]): number {
  return answerTokens(prompt, iou)[0] ?? 0;
}

/** Reads the gates of an encoder that has just run. */
export async function readGates(
  gpu: Gpu,
  encoder: Executable,
  sam: SamConfig,
  mopeft: MopeftConfig | null,
): Promise<GateLayer[]> {
  const layers: Record<string, number>[] = sitesOf(sam).map(() => ({}));
  const modules = mopeft ? modulesOf(mopeft) : [];
  const gated = modules.filter(({ block, method }) => encoder.plan.outputs.has(gateOutput(block, method.id)));
  const values = await gpu.read(
    ...gated.map(({ block, method }) => encoder.output(gateOutput(block, method.id))),
  );
  for (const { block, method } of modules) {
    const layer = layers[block];
    const at = gated.findIndex((module) => module.block === block && module.method === method);
    if (layer) layer[method.id] = at < 0 ? 1 : (values[at]?.[0] ?? Number.NaN);
  }
  return layers;
}

/** Cuts the masks and predicted IoUs of a decoder's pass into objects. */
export function splitObjects(masks: Float32Array, iou: Float32Array): DecodedObject[] {
  const count = iou.length / MASK_TOKENS;
  const pixels = masks.length / iou.length;
  return Array.from({ length: count }, (_, n) => ({
    masks: Array.from({ length: MASK_TOKENS }, (_, token) => {
      const from = (n * MASK_TOKENS + token) * pixels;
      return masks.subarray(from, from + pixels);
    }),
    iou: Array.from(iou.subarray(n * MASK_TOKENS, (n + 1) * MASK_TOKENS)),
  }));
}
