/** Where in the image encoder a module can stand. Sites of one encoder may differ in all of this. */
export interface EncoderSite {
  /** Number of the block, from 0 in the order in which the image passes them. */
  readonly index: number;
  /** What SAM's names of the block's tensors begin with: `image_encoder.blocks.3`. */
  readonly name: string;
  /** Width C of the block's tokens. */
  readonly width: number;
  /** Width of q, k and v: that of the tokens, or another in a pruned model. */
  readonly attentionWidth: number;
  /** Width of the hidden layer of its MLP. */
  readonly mlpWidth: number;
  readonly heads: number;
  /** Token grid [H, W]. */
  readonly grid: readonly [height: number, width: number];
  /** Side of its windows in tokens; 0 for a global block. */
  readonly window: number;
  /** Whether its windows are filled up with norm1's bias, as in a TinyViT, which pads in front of its norm; default: with zeros. */
  readonly fillsWithBias?: boolean;
  /** Whether the projections to q, k and v have a bias. */
  readonly qkvBias: boolean;
  /** Whether attention has a bias by relative position. */
  readonly useRelPos: boolean;
  readonly layerNormEps: number;
}

/** The rectangle of tokens that attend to each other at a site: a window, or the whole grid. */
export function attentionGrid({ grid, window }: EncoderSite): readonly [height: number, width: number] {
  return window > 0 ? [window, window] : grid;
}
