import { MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { ObjectPrompt } from '../sam/prompts.ts';
import type { GateLayer } from './gates.ts';

/** All four mask tokens for one object. */
export interface DecodedObject {
  /** Low-res logits of each token, [side, side]. */
  readonly masks: readonly Float32Array[];
  /** Predicted IoU of each token. */
  readonly iou: readonly number[];
}

/** A model that predicts masks: one image at a time, any number of objects of it. */
export interface MaskPredictor {
  readonly sam: SamConfig;
  /**
   * Says which dataset is meant from the next image on, by its index among those of the run; the first until then. It
   * changes nothing in a model that does not tell them apart.
   */
  ask(dataset: number): void;
  /**
   * Encodes an image [3, S, S]; later calls are about this image.
   * @param key names an image that comes again unchanged, of which a predictor may keep what never changes.
   */
  encode(input: Float32Array, key?: string): Promise<void>;
  /** The gates of the encoded image, an entry for each block; to be read before anything is decoded. */
  gates(): Promise<GateLayer[]>;
  /** Masks for several objects; all prompts have the same number of tokens. */
  decode(prompts: readonly ObjectPrompt[]): Promise<DecodedObject[]>;
}

/** One with a threshold for its logits: 0 in SAM, that of a tuned model comes from `mask-threshold.ts`. */
export interface ThresholdedMaskPredictor extends MaskPredictor {
  readonly maskThreshold: number;
}

/** Splits the masks and predicted IoUs of a decoder pass by object. */
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
