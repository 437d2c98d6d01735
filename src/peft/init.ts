import { sizeOf } from '../graph/shape.ts';
import type { Initialiser } from './method.ts';

export const zeros: Initialiser = (shape) => new Float32Array(sizeOf(shape));

/** Independent normal values with mean 0. */
export function normal(deviation: number): Initialiser {
  return (shape, random) => Float32Array.from({ length: sizeOf(shape) }, () => deviation * random.normal());
}

/**
 * PyTorch's default for a linear layer, `kaiming_uniform_(a=√5)`: uniform in ±1/√fanIn; its bias draws from the same.
 * @param fanIn number of inputs of the layer.
 */
export function kaimingUniform(fanIn: number): Initialiser {
  const bound = 1 / Math.sqrt(fanIn);
  return (shape, random) => Float32Array.from({ length: sizeOf(shape) }, () => random.range(-bound, bound));
}
