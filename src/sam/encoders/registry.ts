import type { AnyEncoder } from './encoder.ts';
import { hiera } from './hiera/hiera.ts';
import { tinyVit } from './tiny-vit/tiny-vit.ts';
import { vit } from './vit/vit.ts';

/** Every image encoder there is, in the order in which a checkpoint or config is tried: Hiera's says more than a ViT's. */
export const ENCODERS: readonly AnyEncoder[] = [hiera, vit, tinyVit];
