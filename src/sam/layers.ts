import type { Tensor } from '../graph/graph.ts';
import { axis, lastOf } from '../graph/shape.ts';
import { layernorm } from '../ops/layernorm/layernorm.ts';
import { linear } from '../ops/linear/linear.ts';
import type { WeightSource } from './weight-source.ts';

/** `nn.Linear` by its name: x [.., K] → [.., out]. */
export function linearOf(
  weights: WeightSource,
  name: string,
  x: Tensor,
  out: number,
  hasBias = true,
): Tensor {
  const weight = weights(`${name}.weight`, [out, lastOf(x.shape)]);
  return linear(x, weight, hasBias ? weights(`${name}.bias`, [out]) : null);
}

/** A convolution whose kernel covers its stride, on patches already in the last axis: x [.., C·kh·kw] → [.., out]. */
export function patchConvOf(
  weights: WeightSource,
  name: string,
  x: Tensor,
  kernel: readonly [out: number, channels: number, height: number, width: number],
  hasBias: boolean,
): Tensor {
  const weight = weights(`${name}.weight`, kernel).view([axis(kernel, 0), lastOf(x.shape)]);
  return linear(x, weight, hasBias ? weights(`${name}.bias`, [axis(kernel, 0)]) : null);
}

/** `nn.LayerNorm` by its name, over the last axis. SAM's LayerNorm2d is the same on channels-last tensors. */
export function layernormOf(weights: WeightSource, name: string, x: Tensor, eps: number): Tensor {
  const width = [lastOf(x.shape)];
  return layernorm(x, weights(`${name}.weight`, width), weights(`${name}.bias`, width), eps);
}
