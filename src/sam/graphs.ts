import { gridOf, lowResOf, type SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { Graph } from '../graph/graph.ts';
import { axis, lastOf } from '../graph/shape.ts';
import { crop } from '../ops/crop/crop.ts';
import { gatherLeading } from '../ops/gather-leading/gather-leading.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { resizeBilinear } from '../ops/resize-bilinear/resize-bilinear.ts';
import { repeatLeading } from '../ops/sum-leading/sum-leading.ts';
import { embeddingShapes, mapEmbeddings, traceImageEncoder } from './encoder.ts';
import { type BesideSource, traceMaskDecoder } from './mask-decoder.ts';
import { traceImagePe, tracePromptEncoder } from './prompt-encoder.ts';
import type { BlockSlots } from './slots.ts';
import { graphInputs } from './weight-source.ts';

/** Height and width in pixels. */
export type PixelSize = readonly [height: number, width: number];

/** Makes the slots of a graph; methods declare their tensors in it, under names that the session's `tensors` hold. */
export type SlotsOf = (graph: Graph) => BlockSlots;

/** Makes a further prompt token for each image, [images, D]. */
export type TokenOf = (graph: Graph, images: number, config: SamConfig) => Tensor;

/** Objects and prompt tokens of one pass of the decoder. */
export interface DecodeShape {
  readonly objects: number;
  readonly tokens: number;
  readonly hasMask: boolean;
  /** Whether the dense embedding of the prompts is an input, `dense` [N, h, w, D], in place of what a mask or its absence gives. */
  readonly isDenseGiven?: boolean;
  /** Images that the objects are of; absent: one. */
  readonly images?: number;
}

/** `image` [1, 3, S, S] → the model's {@link embeddingShapes}, as `embedding` [1, h, w, D], and whatever outputs the slots declare (gates). */
export function encodeGraph(config: SamConfig, slotsOf?: SlotsOf): Graph {
  const graph = new Graph();
  const image = graph.input('image', [1, 3, config.imageSize, config.imageSize]);
  const embeddings = traceImageEncoder(graph, config, image, graphInputs(graph), slotsOf?.(graph));
  for (const [name, tensor] of Object.entries(embeddings)) graph.output(name, tensor);
  return graph;
}

/**
 * The model's {@link embeddingShapes}, as `embedding` [h, w, D], or of several images [B, h, w, D] with `imageIndex` [N], `imagePe` [h, w, D], `coords` [N, T, 2], `labels` [N, T] (neither for 0 tokens), perhaps
 * `maskInput` [N, 4h, 4w]
 * → `masks` [N, 4, 4h, 4w], `iou` [N, 4].
 * @param besideOf gives trained tensors that stand side by side; @param tokenOf a further token for each prompt.
 */
export function decodeGraph(
  config: SamConfig,
  { objects, tokens, hasMask, isDenseGiven = false, images = 1 }: DecodeShape,
  besideOf?: (graph: Graph) => BesideSource,
  tokenOf?: TokenOf,
): Graph {
  const graph = new Graph();
  const [grid, side, D] = [gridOf(config), lowResOf(config), config.outputChannels];
  const prompts = tracePromptEncoder(graph, config, {
    coords: tokens > 0 ? graph.input('coords', [objects, tokens, 2]) : null,
    labels: tokens > 0 ? graph.input('labels', [objects, tokens]) : null,
    maskInput: hasMask ? graph.input('maskInput', [objects, side, side]) : null,
  });
  const imageIndex = images > 1 ? graph.input('imageIndex', [objects]) : null;
  const token = tokenOf?.(graph, images, config);
  const inputs = {
    embeddings: mapEmbeddings(embeddingShapes(config, images), (shape, name) => graph.input(name, shape)),
    imageIndex,
    imagePe: graph.input('imagePe', [grid, grid, D]),
    ...prompts,
    ...(isDenseGiven && { dense: graph.input('dense', [objects, grid, grid, D]) }),
    ...(token && { sparse: withToken(prompts.sparse, token, imageIndex, objects) }),
  };
  const { masks, iou } = traceMaskDecoder(graph, config, inputs, graphInputs(graph), besideOf?.(graph));
  graph.output('masks', masks);
  graph.output('iou', iou);
  return graph;
}

/** Each object's tokens [N, T, D], or null, with that of its image [B, D] before them. */
function withToken(sparse: Tensor | null, token: Tensor, imageIndex: Tensor | null, objects: number): Tensor {
  const width = lastOf(token.shape);
  const own = imageIndex ? gatherLeading(token, imageIndex) : token;
  const tokens = own.view([axis(own.shape, 0), 1, width]);
  if (sparse) return prependTokens(sparse, tokens);
  return imageIndex ? tokens : repeatLeading(own.view([width]), [objects, 1, width]);
}

/** `maskInput` [1, 4h, 4w], logits of an earlier mask → `dense` [1, h, w, D]. */
export function maskPromptGraph(config: SamConfig): Graph {
  const graph = new Graph();
  const side = lowResOf(config);
  const maskInput = graph.input('maskInput', [1, side, side]);
  const { dense } = tracePromptEncoder(graph, config, { coords: null, labels: null, maskInput });
  graph.output('dense', dense);
  return graph;
}

/** `cells` [1, h·w, 2] → `imagePe` [h, w, D]. */
export function imagePeGraph(config: SamConfig): Graph {
  const graph = new Graph();
  const grid = gridOf(config);
  graph.output('imagePe', traceImagePe(graph, config, graph.input('cells', [1, grid * grid, 2])));
  return graph;
}

/**
 * SAM's postprocess_masks: `lowRes` [K, 4h, 4w] → `masks` [K, H, W], by way of the model's square, whose padding is cut off.
 * @param input size of the image inside the square; @param original its size before.
 */
export function upscaleGraph(config: SamConfig, count: number, input: PixelSize, original: PixelSize): Graph {
  const graph = new Graph();
  const side = lowResOf(config);
  const square = resizeBilinear(
    graph.input('lowRes', [count, side, side]),
    config.imageSize,
    config.imageSize,
  );
  graph.output('masks', resizeBilinear(crop(square, input[0], input[1]), original[0], original[1]));
  return graph;
}
