import { gridOf, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis, expectShape, type Shape, show } from '../graph/shape.ts';
import type { AnyEncoder, Embeddings } from './encoders/encoder.ts';
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
 * What a model's mask decoder reads of an image, with its shape: `embedding` [h, w, D], of an HQ-SAM `intermediate`
 * [h, w, C], of a SAM 2 `highRes0` [4h, 4w, D/8] and `highRes1` [2h, 2w, D/4]; of several images [images, h, w, ..].
 */
export function embeddingShapes(config: SamConfig, images = 1): Embeddings<Shape> {
  const grid = gridOf(config);
  const leading = images > 1 ? [images] : [];
  const { outputChannels: D, decoder } = config;
  const width = decoder.kind === 'hq' ? encoderOf(config).intermediateWidth(config) : null;
  return {
    embedding: [...leading, grid, grid, D],
    ...(width !== null && { intermediate: [...leading, grid, grid, width] }),
    ...(decoder.kind === 'sam2' && {
      highRes0: [...leading, 4 * grid, 4 * grid, D / 8],
      highRes1: [...leading, 2 * grid, 2 * grid, D / 4],
    }),
  };
}

/** The same for each of a model's embeddings, by its name. */
export function mapEmbeddings<T, U>(
  { embedding, intermediate, highRes0, highRes1 }: Embeddings<T>,
  map: (value: T, name: keyof Embeddings<T>) => U,
): Embeddings<U> {
  return {
    embedding: map(embedding, 'embedding'),
    ...(intermediate !== undefined && { intermediate: map(intermediate, 'intermediate') }),
    ...(highRes0 !== undefined && { highRes0: map(highRes0, 'highRes0') }),
    ...(highRes1 !== undefined && { highRes1: map(highRes1, 'highRes1') }),
  };
}

/**
 * The image encoder of a model, whichever kind it has.
 * @param image normalised and padded, [B, 3, S, S].
 * @param onBlock sees every block's output [B, H, W, C] as it is traced, and may put another tensor in its place.
 * @param onSkip see `EncoderPass`.
 * @returns those of {@link embeddingShapes}, each for the whole batch: [B, h, w, ..].
 */
export function traceImageEncoder(
  graph: Graph,
  config: SamConfig,
  image: Tensor,
  weights: WeightSource = graphInputs(graph),
  slots?: BlockSlots,
  onBlock?: (index: number, x: Tensor) => Tensor | undefined,
  onSkip?: (name: string, x: Tensor) => Tensor,
): Embeddings<Tensor> {
  const { imageSize } = config;
  const [, channels, height, width] = image.shape;
  expectShape(
    channels === 3 && height === imageSize && width === imageSize,
    'image encoder',
    () =>
      `an image of ${show(image.shape)} for a model of ${show([axis(image.shape, 0), 3, imageSize, imageSize])}`,
  );
  const traced = encoderOf(config).trace({ config, image, weights, slots, onBlock, onSkip });
  const { intermediate, ...others } = traced;
  return config.decoder.kind === 'hq' ? traced : others;
}
