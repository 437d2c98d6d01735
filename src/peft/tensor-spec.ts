import type { Random } from '../config/random.ts';
import { type Shape, sizeOf } from '../graph/shape.ts';

/** First values of a tensor. */
export type Initialiser = (shape: Shape, random: Random) => Float32Array;

/** A trainable tensor of one block; `name` without the `blocks.{i}.` in front. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies; never to biases and gates. */
  readonly decay: boolean;
  /** What the learning rate of its group is multiplied by; default 1. */
  readonly rate?: number;
  readonly init: Initialiser;
}

export const zeros: Initialiser = (shape) => new Float32Array(sizeOf(shape));

export function filled(value: number): Initialiser {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

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
