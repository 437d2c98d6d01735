import { attentionSizeOf, type SamConfig } from '../../config/sam.ts';

/** 10, but at most a sixteenth of the tokens of the smallest attention window, and at least 1. */
export function defaultPrefixLength(sam: SamConfig): number {
  return Math.max(1, Math.min(10, Math.floor(smallestWindowTokens(sam) / 16)));
}

function smallestWindowTokens(sam: SamConfig): number {
  const sides = Array.from({ length: sam.numHiddenLayers }, (_, i) => attentionSizeOf(sam, i));
  return Math.min(...sides) ** 2;
}
