import type { Tensor } from '../graph/graph.ts';
import type { EncoderSite } from './site.ts';

/**
 * The layers of a block whose output a plug-in may change, in the order in which they run. `q`, `k`, `v` and `proj` work on
 * windows, [Bw, h, w, C]; the others on the grid, [B, H, W, C]. The output of `q`, `k` and `v` and the input of `proj` have
 * the site's `attentionWidth` in place of C, the outputs of `lin1` and `gelu` its `mlpWidth`.
 *
 *     norm1 → q, k, v → attention → proj → (back on the grid) attention + x → norm2 → lin1 → gelu → lin2 → mlp + x
 *
 * `attention` is the whole branch from `norm1`'s output to what is added to x, `mlp` that from `norm2`'s output.
 */
export const SLOTS = [
  'norm1',
  'q',
  'k',
  'v',
  'proj',
  'attention',
  'norm2',
  'lin1',
  'gelu',
  'lin2',
  'mlp',
] as const;
export type Slot = (typeof SLOTS)[number];

/** A layer as a hook sees it. */
export interface LayerTensors {
  readonly input: Tensor;
  /** What SAM computes, with what earlier plug-ins changed. */
  readonly output: Tensor;
}

/** Tokens put before the keys and values of every window. G is the batch or 1, and group g serves its windows. */
export interface PrefixTokens {
  /** [G, P, attentionWidth] */
  readonly key: Tensor;
  /** [G, P, attentionWidth] */
  readonly value: Tensor;
  /** [G]: the prefix columns weigh mass·exp(score) in the softmax, and are skipped at 0; null: they weigh like any other. */
  readonly mass: Tensor | null;
}

/** What plug-ins change in one block. A block without hooks is exactly the frozen block. */
export type BlockHooks = {
  /** Gives the layer's output, changed, in the same shape. */
  readonly [S in Slot]?: (layer: LayerTensors) => Tensor;
} & {
  readonly prefix?: () => PrefixTokens | null;
  /**
   * Gives one of the block's own weights, changed, in the same shape.
   * @param name SAM's name behind `blocks.{i}.`, with q, k and v apart: `norm1.weight`, `attn.q.bias`.
   */
  readonly weight?: (name: string, frozen: Tensor) => Tensor;
};

/** Asked once for every block of the encoder, before anything of the block is traced. */
export type BlockSlots = (site: EncoderSite) => BlockHooks;
