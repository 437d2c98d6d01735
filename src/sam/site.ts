/** Where in the image encoder a module can stand. Sites of one encoder may differ in all of this. */
export interface EncoderSite {
  /** Number of the block, from 0 in the order in which the image passes them. */
  readonly index: number;
  /** Width C of the block's tokens. */
  readonly width: number;
  readonly heads: number;
  /** Token grid [H, W]. */
  readonly grid: readonly [height: number, width: number];
  /** Side of its windows in tokens; 0 for a global block. */
  readonly window: number;
}

/** Tokens that attend to each other at a site: those of a window, or of the whole grid. */
export function tokensAttended({ grid: [height, width], window }: EncoderSite): number {
  return window > 0 ? window * window : height * width;
}
