import type { Tensor } from '../graph/graph.ts';
import type { EncoderSite } from './site.ts';

/** The projections of one attention, each [Bw, h, w, C]. */
export interface Qkv {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Tokens put before the keys and values of every window. G is the batch or 1, and group g serves its windows. */
export interface PrefixTokens {
  /** [G, P, C] */
  readonly key: Tensor;
  /** [G, P, C] */
  readonly value: Tensor;
  /** [G]: the prefix columns weigh mass·exp(score) in the softmax, and are skipped at 0; null: they weigh like any other. */
  readonly mass: Tensor | null;
}

/** What plug-ins add to one block. A block without hooks is exactly the frozen block. */
export interface BlockHooks {
  /** @param input what q, k and v are computed from, windowed: [Bw, h, w, C]. */
  readonly qkv?: (input: Tensor, qkv: Qkv) => Qkv;
  readonly prefix?: () => PrefixTokens | null;
  /** @param out the attention's output after its projection, back on the grid: [B, H, W, C]. */
  readonly attentionOut?: (out: Tensor) => Tensor;
  /** @param f the MLP's output: [B, H, W, C]. */
  readonly mlpOut?: (f: Tensor) => Tensor;
}

/**
 * Asked once for every block of the encoder. It finds the graph by `u.graph` and declares its own tensors there as inputs.
 * @param u the output of LayerNorm1: [B, H, W, C].
 */
export type BlockSlots = (site: EncoderSite, u: Tensor) => BlockHooks;
