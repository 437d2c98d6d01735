import type { SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { im2col3 } from '../ops/im2col3/im2col3.ts';
import { layernormOf, patchConvOf } from './layers.ts';
import type { WeightSource } from './weight-source.ts';

/** From the encoder's width to the decoder's: x [B, H, W, C] → embedding [B, H, W, D]. */
export function traceNeck(config: SamConfig, x: Tensor, weights: WeightSource): Tensor {
  const { hiddenSize: C, outputChannels: D, layerNormEps } = config;
  const narrow = patchConvOf(weights, 'image_encoder.neck.0', x, [D, C, 1, 1], false);
  const normed = layernormOf(weights, 'image_encoder.neck.1', narrow, layerNormEps);
  const mixed = patchConvOf(weights, 'image_encoder.neck.2', im2col3(normed), [D, D, 3, 3], false);
  return layernormOf(weights, 'image_encoder.neck.3', mixed, layerNormEps);
}
