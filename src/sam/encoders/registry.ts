import type { AnyEncoder } from './encoder.ts';
import { tinyVit } from './tiny-vit/tiny-vit.ts';
import { vit } from './vit/vit.ts';

/** Every image encoder there is, in the order in which a checkpoint is tried. */
export const ENCODERS: readonly AnyEncoder[] = [vit, tinyVit];
