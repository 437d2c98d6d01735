import type { SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis, expectShape, show } from '../graph/shape.ts';
import type { AnyEncoder } from './encoders/encoder.ts';
import { ENCODERS } from './encoders/registry.ts';
import type { EncoderSite } from './site.ts';
import type { BlockSlots } from './slots.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/** The record of a config's encoder. */
export function encoderOf({ encoder: { kind } }: SamConfig): AnyEncoder {
  const encoder = ENCODERS.find(({ id }) => id === kind);
  if (!encoder) throw new RangeError(`there is no encoder ${kind}`);
  return encoder;
}

/** The encoder's sites by their index. */
export function sitesOf(config: SamConfig): readonly EncoderSite[] {
  return encoderOf(config).sites(config);
}

/**
 * The image encoder of a model, whichever kind it has.
 * @param image normalised and padded, [B, 3, S, S].
 * @param onBlock sees every block's output [B, H, W, C] as it is traced.
 * @returns the embedding [B, h, w, D].
 */
export function traceImageEncoder(
  graph: Graph,
  config: SamConfig,
  image: Tensor,
  weights: WeightSource = graphInputs(graph),
  slots?: BlockSlots,
  onBlock?: (index: number, x: Tensor) => void,
): Tensor {
  const { imageSize } = config;
  const [, channels, height, width] = image.shape;
  expectShape(
    channels === 3 && height === imageSize && width === imageSize,
    'image encoder',
    () =>
      `an image of ${show(image.shape)} for a model of ${show([axis(image.shape, 0), 3, imageSize, imageSize])}`,
  );
  return encoderOf(config).trace({ config, image, weights, slots, onBlock });
}
