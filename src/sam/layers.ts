import type { Tensor } from '../graph/graph.ts';
import { axis, lastOf } from '../graph/shape.ts';
import { relu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { layernorm } from '../ops/layernorm/layernorm.ts';
import { linear } from '../ops/linear/linear.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { depthToSpace } from '../ops/space-to-depth/space-to-depth.ts';
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

/** `nn.ConvTranspose2d(C, out, 2, 2)`: [N, h, w, C] → [N, 2h, 2w, out]. */
export function transposedConvOf(
  weights: WeightSource,
  name: string,
  x: Tensor,
  out: number,
  hasBias = true,
): Tensor {
  const C = lastOf(x.shape);
  const [n, h, w] = [axis(x.shape, 0), axis(x.shape, 1), axis(x.shape, 2)];
  const weight = weights(`${name}.weight`, [C, out, 2, 2]).view([C, out * 4]);
  const patches = matmul(x.view([n * h * w, C]), weight).view([n, h, w, out * 4]);
  return hasBias ? add(depthToSpace(patches), weights(`${name}.bias`, [out])) : depthToSpace(patches);
}

/** SAM's MLP by its name: `depth` linear layers with relu between. */
export function mlpOf(
  weights: WeightSource,
  name: string,
  x: Tensor,
  hidden: number,
  out: number,
  depth: number,
): Tensor {
  let value = x;
  for (let i = 0; i < depth - 1; i++) value = relu(linearOf(weights, `${name}.layers.${i}`, value, hidden));
  return linearOf(weights, `${name}.layers.${depth - 1}`, value, out);
}

/** Tokens [N, .., C] one after the other: [N, count, C]. */
export function joinTokens(tokens: readonly Tensor[]): Tensor {
  return tokens.reduceRight((rest, token) => prependTokens(rest, token));
}
