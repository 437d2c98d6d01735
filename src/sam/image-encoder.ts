import { gridOf, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis, expectShape, show } from '../graph/shape.ts';
import { add } from '../ops/add/add.ts';
import { patchify } from '../ops/patchify/patchify.ts';
import { sitesOf } from './encoder.ts';
import { traceEncoderBlock } from './encoder-block.ts';
import { patchConvOf } from './layers.ts';
import { traceNeck } from './neck.ts';
import type { BlockSlots } from './slots.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/**
 * SAM's image encoder (segment_anything/modeling/image_encoder.py) in channels-last layout.
 * @param image normalised and padded, [B, 3, S, S].
 * @param onBlock sees every block's output [B, H, W, C] as it is traced.
 * @returns the embedding [B, H, W, D].
 */
export function traceImageEncoder(
  graph: Graph,
  config: SamConfig,
  image: Tensor,
  weights: WeightSource = graphInputs(graph),
  slots?: BlockSlots,
  onBlock?: (index: number, x: Tensor) => void,
): Tensor {
  let x = tracePatchEmbed(config, image, weights);
  for (const site of sitesOf(config)) {
    x = traceEncoderBlock(config, site, x, weights, slots);
    onBlock?.(site.index, x);
  }
  return traceNeck(config, x, weights);
}

/** Patches to tokens with their absolute position: image [B, 3, S, S] → [B, H, W, C]. */
export function tracePatchEmbed(config: SamConfig, image: Tensor, weights: WeightSource): Tensor {
  const { imageSize, patchSize, hiddenSize } = config;
  const [, channels, height, width] = image.shape;
  expectShape(
    channels === 3 && height === imageSize && width === imageSize,
    'image encoder',
    () =>
      `an image of ${show(image.shape)} for a model of ${show([axis(image.shape, 0), 3, imageSize, imageSize])}`,
  );
  const tokens = patchConvOf(
    weights,
    'image_encoder.patch_embed.proj',
    patchify(image, patchSize),
    [hiddenSize, 3, patchSize, patchSize],
    true,
  );
  if (!config.useAbsPos) return tokens;
  const grid = gridOf(config);
  return add(
    tokens,
    weights('image_encoder.pos_embed', [1, grid, grid, hiddenSize]).view([grid, grid, hiddenSize]),
  );
}
