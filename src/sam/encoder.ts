import { gridOf, type SamConfig, windowOf } from '../config/sam.ts';
import type { EncoderSite } from './site.ts';

/** The encoder's sites by their index. */
export function sitesOf(config: SamConfig): readonly EncoderSite[] {
  const grid = gridOf(config);
  return Array.from({ length: config.numHiddenLayers }, (_, index) => ({
    index,
    width: config.hiddenSize,
    heads: config.numAttentionHeads,
    grid: [grid, grid],
    window: windowOf(config, index),
  }));
}
