import type { SamConfig } from '../config/sam.ts';
import { sizeOf } from '../graph/shape.ts';
import { engineShapes } from './checkpoint/prepare.ts';

/** How a model's frozen weights are stored on the device: in full, or those of {@link halfNames} in half precision. */
export type WeightPrecision = 'f32' | 'f16';

/** What a run may train whole, so that it has to begin at the exact values. */
export const TRAINED_WHOLE = 'mask_decoder.';
const PREFIXES = ['image_encoder.', TRAINED_WHOLE];

/**
 * Names of the tensors of the encoder and the mask decoder that f16 stores as halves: matrices, kernels and tables. Vectors are
 * small and stay as they are.
 */
export function halfNames(config: SamConfig, precision: WeightPrecision): ReadonlySet<string> {
  if (precision === 'f32') return new Set();
  const chosen = [...engineShapes(config)].filter(
    ([name, shape]) =>
      shape.length > 1 && sizeOf(shape) % 2 === 0 && PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
  return new Set(chosen.map(([name]) => name));
}
