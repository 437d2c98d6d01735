import type { SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { lastOf } from '../graph/shape.ts';
import { im2col3 } from '../ops/im2col3/im2col3.ts';
import { addNorm, type ShapeMap } from './checkpoint/layer-shapes.ts';
import { layernormOf, patchConvOf } from './layers.ts';
import type { WeightSource } from './weight-source.ts';

const NAME = 'image_encoder.neck';

/** From the encoder's width to the decoder's: x [B, H, W, C] → embedding [B, H, W, D]. */
export function traceNeck(
  { outputChannels: D, layerNormEps }: SamConfig,
  x: Tensor,
  weights: WeightSource,
): Tensor {
  const narrow = patchConvOf(weights, `${NAME}.0`, x, [D, lastOf(x.shape), 1, 1], false);
  const normed = layernormOf(weights, `${NAME}.1`, narrow, layerNormEps);
  const mixed = patchConvOf(weights, `${NAME}.2`, im2col3(normed), [D, D, 3, 3], false);
  return layernormOf(weights, `${NAME}.3`, mixed, layerNormEps);
}

/** Adds the neck's tensors. @param width C of the encoder's last block. */
export function addNeck(shapes: ShapeMap, { outputChannels: D }: SamConfig, width: number): void {
  shapes.set(`${NAME}.0.weight`, [D, width, 1, 1]);
  addNorm(shapes, `${NAME}.1`, D);
  shapes.set(`${NAME}.2.weight`, [D, D, 3, 3]);
  addNorm(shapes, `${NAME}.3`, D);
}
