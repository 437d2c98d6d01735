import { gridOf, MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis, sizeOf } from '../graph/shape.ts';
import { activation, gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { gatherLeading } from '../ops/gather-leading/gather-leading.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { parallelLinear, type SideBySide } from '../ops/parallel-linear/parallel-linear.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { sliceTokens } from '../ops/slice-tokens/slice-tokens.ts';
import { repeatLeading } from '../ops/sum-leading/sum-leading.ts';
import { tokenMajor } from '../ops/token-major/token-major.ts';
import type { Embeddings } from './encoders/encoder.ts';
import { HQ_TOKEN, traceHqMask } from './hq-mask.ts';
import { joinTokens, layernormOf, mlpOf, transposedConvOf } from './layers.ts';
import { type Rows, traceTwoWayTransformer } from './two-way-transformer.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/**
 * What the decoder works on: N objects of one image or several. Of an HQ-SAM the embeddings have `intermediate`, of a SAM 2
 * `highRes0` and `highRes1`.
 */
export interface DecoderInputs {
  /** [h, w, ..] of one image, [B, h, w, ..] of several. */
  readonly embeddings: Embeddings<Tensor>;
  /** Of several images each object's, [N] of 0 to B − 1; null: there is one. */
  readonly imageIndex: Tensor | null;
  /** Positional encoding of the cells, [h, w, D]. */
  readonly imagePe: Tensor;
  /** [N, T, D], or null without tokens. */
  readonly sparse: Tensor | null;
  /** [N, h, w, D]; or [D], the same for every object and cell. */
  readonly dense: Tensor;
}

/** All four mask tokens of every object; the caller chooses. */
export interface DecoderOutputs {
  /** Logits [N, 4, 4h, 4w]; token 0 is for unambiguous prompts, 1–3 are the candidates. */
  readonly masks: Tensor;
  /** Predicted IoU [N, 4]. */
  readonly iou: Tensor;
}

/** SAM 2's token that tells whether there is an object; here it only takes part in attention. */
export const OBJECT_TOKEN = 'mask_decoder.obj_score_token.weight';

/**
 * SAM's mask decoder (segment_anything/modeling/mask_decoder.py) in channels-last layout, HQ-SAM's
 * (segment_anything_hq/modeling/mask_decoder_hq.py), and SAM 2's (sam2/modeling/sam/mask_decoder.py).
 * @param beside gives what {@link networkLayers} names, where the networks of tokens shall run side by side.
 */
export function traceMaskDecoder(
  graph: Graph,
  config: SamConfig,
  { embeddings, imageIndex, imagePe, sparse, dense }: DecoderInputs,
  weights: WeightSource = graphInputs(graph),
  beside: BesideSource | null = null,
): DecoderOutputs {
  const { outputChannels: D, decoder } = config;
  const grid = gridOf(config);
  const objects = axis((sparse ?? dense).shape, 0);
  const iouToken = weights('mask_decoder.iou_token.weight', [1, D]).view([1, 1, D]);
  const maskTokens = weights('mask_decoder.mask_tokens.weight', [MASK_TOKENS, D]).view([1, MASK_TOKENS, D]);
  const { embedding, intermediate } = embeddings;
  // The tokens' order is theirs alone: attention does not know it.
  const more = moreToken(config);
  const own = joinTokens([iouToken, maskTokens, ...(more ? [weights(more, [1, D]).view([1, 1, D])] : [])]);
  const count = axis(own.shape, 1);
  const tokens = sparse
    ? prependTokens(sparse, own)
    : repeatLeading(own.view([count, D]), [objects, count, D]);
  const cells = grid * grid;
  const image = imageOf(
    embedding.view([sizeOf(embedding.shape) / (cells * D), cells, D]),
    imageIndex,
    dense,
    objects,
  );
  const seen = traceTwoWayTransformer(config, image, imagePe.view([cells, D]), tokens, weights);

  const cellsOfObjects = seen.image.view([objects, grid, grid, D]);
  const pixels = traceUpscaling(config, cellsOfObjects, embeddings, imageIndex, weights);
  const { kernels, iou } =
    (beside && traceParallelNetworks(config, seen.tokens, beside)) ??
    traceNetworks(config, seen.tokens, weights);
  const side = 4 * grid;
  const masks = matmul(kernels, pixels.view([objects, side * side, D / 8]), { bT: true });
  // HQ-SAM adds the mask of its own token to the one that is chosen, whichever that is.
  const hqMask =
    intermediate &&
    traceHqMask(
      config,
      { embedding, intermediate },
      imageIndex,
      sliceTokens(seen.tokens, 1 + MASK_TOKENS, 1),
      pixels,
      weights,
    );
  const refined = hqMask ? add(masks, joinTokens(Array.from({ length: MASK_TOKENS }, () => hqMask))) : masks;
  return {
    masks: refined.view([objects, MASK_TOKENS, side, side]),
    iou: (decoder.kind === 'sam2' ? activation(iou, 'sigmoid') : iou).view([objects, MASK_TOKENS]),
  };
}

/**
 * The images that objects are asked about, with what is known of their masks.
 * @param images [B, h·w, D]; @param dense as {@link DecoderInputs} has it.
 */
function imageOf(images: Tensor, imageIndex: Tensor | null, dense: Tensor, objects: number): Rows {
  const ofObjects = imageIndex ? gatherLeading(images, imageIndex) : images;
  if (dense.shape.length === 1)
    return { values: add(ofObjects, dense), ...(!imageIndex && objects > 1 && { sharedBy: objects }) };
  const [, cells = 0, D = 0] = images.shape;
  return { values: add(dense.view([objects, cells, D]), imageIndex ? ofObjects : images.view([cells, D])) };
}

/** What the networks of the tokens give: kernels [N, 4, D/8], and the IoU [N, 1, 4]. */
interface NetworkOutputs {
  readonly kernels: Tensor;
  readonly iou: Tensor;
}

function traceNetworks(config: SamConfig, tokens: Tensor, weights: WeightSource): NetworkOutputs {
  const { outputChannels: D, decoder } = config;
  const kernels = Array.from({ length: MASK_TOKENS }, (_, i) =>
    mlpOf(weights, networkName(i), sliceTokens(tokens, 1 + i, 1), D, D / 8, NETWORK_DEPTH),
  );
  const iou = mlpOf(
    weights,
    IOU_HEAD,
    sliceTokens(tokens, 0, 1),
    decoder.iouHidden,
    MASK_TOKENS,
    decoder.iouHeadDepth,
  );
  return { kernels: joinTokens(kernels), iou };
}

const IOU_HEAD = 'mask_decoder.iou_prediction_head';
const NETWORK_DEPTH = 3;
const IOU_LAST = `${IOU_HEAD}.layers.${NETWORK_DEPTH - 1}`;

function networkName(i: number): string {
  return `mask_decoder.output_hypernetworks_mlps.${i}`;
}

/**
 * The tensors of layers that have the same size in several of the tokens' networks, which run at once where these stand at equal
 * distances: of the IoU head and the four networks of the masks, but each kind's own in the last layer.
 */
export function networkLayers({ outputChannels: D, decoder }: SamConfig): readonly (readonly string[])[] {
  if (decoder.iouHidden !== D || decoder.iouHeadDepth !== NETWORK_DEPTH || D % 4 !== 0) return [];
  const layers = Array.from({ length: NETWORK_DEPTH }, (_, layer) => namesOf(layer));
  return [...layers, [IOU_LAST]].flatMap((names) => [
    names.map((name) => `${name}.weight`),
    names.map((name) => `${name}.bias`),
  ]);
}

function namesOf(layer: number): string[] {
  const names = [
    ...(layer < NETWORK_DEPTH - 1 ? [IOU_HEAD] : []),
    ...Array.from({ length: MASK_TOKENS }, (_, i) => networkName(i)),
  ];
  return names.map((name) => `${name}.layers.${layer}`);
}

/** Gives tensors that stand side by side, by their names; null where they do not. */
export type BesideSource = (names: readonly string[]) => SideBySide | null;

/** {@link traceNetworks} with the layers of one size at once; null where their tensors do not stand side by side. */
function traceParallelNetworks(
  { outputChannels: D }: SamConfig,
  tokens: Tensor,
  beside: BesideSource,
): NetworkOutputs | null {
  const layer = (names: readonly string[]) => {
    const [weight, bias] = ['weight', 'bias'].map((kind) => beside(names.map((name) => `${name}.${kind}`)));
    return weight && bias ? { weight, bias } : null;
  };
  const [first, second, last] = [0, 1, 2].map((i) => layer(namesOf(i)));
  const iouLast = layer([IOU_LAST]);
  if (!first || !second || !last || !iouLast) return null;
  const all = { first: 0, count: 1 + MASK_TOKENS };
  let rows = tokenMajor(tokens, 0, all.count);
  for (const { weight, bias } of [first, second])
    rows = parallelLinear(rows, weight, bias, { ...all, outputs: D, relu: true });
  const kernels = parallelLinear(rows, last.weight, last.bias, {
    first: 1,
    count: MASK_TOKENS,
    outputs: D / 8,
    relu: false,
  });
  const iou = parallelLinear(rows, iouLast.weight, iouLast.bias, {
    first: 0,
    count: 1,
    outputs: MASK_TOKENS,
    relu: false,
  });
  return { kernels: tokenMajor(kernels, 0, axis(kernels.shape, 1)), iou };
}

/** The token that stands behind SAM's own, by its name. */
function moreToken({ decoder }: SamConfig): string | null {
  switch (decoder.kind) {
    case 'sam':
      return null;
    case 'hq':
      return HQ_TOKEN;
    case 'sam2':
      return OBJECT_TOKEN;
  }
}

/**
 * Two transposed convolutions of stride 2: [N, h, w, D] → [N, 4h, 4w, D/8]. To what they give a SAM 2 adds the image's features of
 * that grid, before it is normalised and activated.
 */
function traceUpscaling(
  config: SamConfig,
  image: Tensor,
  { highRes0, highRes1 }: Embeddings<Tensor>,
  imageIndex: Tensor | null,
  weights: WeightSource,
): Tensor {
  const { outputChannels: D, layerNormEps } = config;
  const name = 'mask_decoder.output_upscaling';
  const plus = (x: Tensor, features: Tensor | undefined) => {
    if (!features) return x;
    return add(x, imageIndex ? gatherLeading(features, imageIndex) : features.view(features.shape.slice(-3)));
  };
  const twice = plus(transposedConvOf(weights, `${name}.0`, image, D / 4), highRes1);
  const middle = gelu(layernormOf(weights, `${name}.1`, twice, layerNormEps));
  return gelu(plus(transposedConvOf(weights, `${name}.3`, middle, D / 8), highRes0));
}
