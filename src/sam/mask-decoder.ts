import { gridOf, MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { gatherLeading } from '../ops/gather-leading/gather-leading.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { sliceTokens } from '../ops/slice-tokens/slice-tokens.ts';
import { repeatLeading } from '../ops/sum-leading/sum-leading.ts';
import type { Embeddings } from './encoders/encoder.ts';
import { HQ_TOKEN, traceHqMask } from './hq-mask.ts';
import { joinTokens, layernormOf, mlpOf, transposedConvOf } from './layers.ts';
import { traceTwoWayTransformer } from './two-way-transformer.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/** What the decoder works on: N objects of one image or several. Of an HQ-SAM the embeddings have `intermediate`. */
export interface DecoderInputs {
  /** [h, w, ..] of one image, [B, h, w, ..] of several. */
  readonly embeddings: Embeddings<Tensor>;
  /** Of several images each object's, [N] of 0 to B − 1; null: there is one. */
  readonly imageIndex: Tensor | null;
  /** Positional encoding of the cells, [h, w, D]. */
  readonly imagePe: Tensor;
  /** [N, T, D], or null without tokens. */
  readonly sparse: Tensor | null;
  /** [N, h, w, D] */
  readonly dense: Tensor;
}

/** All four mask tokens of every object; the caller chooses. */
export interface DecoderOutputs {
  /** Logits [N, 4, 4h, 4w]; token 0 is for unambiguous prompts, 1–3 are the candidates. */
  readonly masks: Tensor;
  /** Predicted IoU [N, 4]. */
  readonly iou: Tensor;
}

/**
 * SAM's mask decoder (segment_anything/modeling/mask_decoder.py) in channels-last layout, and HQ-SAM's
 * (segment_anything_hq/modeling/mask_decoder_hq.py).
 */
export function traceMaskDecoder(
  graph: Graph,
  config: SamConfig,
  { embeddings, imageIndex, imagePe, sparse, dense }: DecoderInputs,
  weights: WeightSource = graphInputs(graph),
): DecoderOutputs {
  const { outputChannels: D } = config;
  const grid = gridOf(config);
  const objects = axis(dense.shape, 0);
  const iouToken = weights('mask_decoder.iou_token.weight', [1, D]).view([1, 1, D]);
  const maskTokens = weights('mask_decoder.mask_tokens.weight', [MASK_TOKENS, D]).view([1, MASK_TOKENS, D]);
  const { embedding, intermediate } = embeddings;
  const hqToken = intermediate && weights(HQ_TOKEN, [1, D]).view([1, 1, D]);
  const own = joinTokens([iouToken, maskTokens, ...(hqToken ? [hqToken] : [])]);
  const count = axis(own.shape, 1);
  const tokens = sparse
    ? prependTokens(sparse, own)
    : repeatLeading(own.view([count, D]), [objects, count, D]);
  const ofObjects = imageIndex ? gatherLeading(embedding, imageIndex) : embedding;
  const source = add(dense, ofObjects).view([objects, grid * grid, D]);
  const seen = traceTwoWayTransformer(config, source, imagePe.view([grid * grid, D]), tokens, weights);

  const pixels = traceUpscaling(config, seen.image.view([objects, grid, grid, D]), weights);
  const kernels = Array.from({ length: MASK_TOKENS }, (_, i) => {
    const token = sliceTokens(seen.tokens, 1 + i, 1);
    return mlpOf(weights, `mask_decoder.output_hypernetworks_mlps.${i}`, token, D, D / 8, 3);
  });
  const side = 4 * grid;
  const masks = matmul(joinTokens(kernels), pixels.view([objects, side * side, D / 8]), { bT: true });
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
  const { iouHidden, iouHeadDepth } = config.decoder;
  const iou = mlpOf(
    weights,
    'mask_decoder.iou_prediction_head',
    sliceTokens(seen.tokens, 0, 1),
    iouHidden,
    MASK_TOKENS,
    iouHeadDepth,
  );
  return { masks: refined.view([objects, MASK_TOKENS, side, side]), iou: iou.view([objects, MASK_TOKENS]) };
}

/** Two transposed convolutions of stride 2: [N, h, w, D] → [N, 4h, 4w, D/8]. */
function traceUpscaling(config: SamConfig, image: Tensor, weights: WeightSource): Tensor {
  const { outputChannels: D, layerNormEps } = config;
  const name = 'mask_decoder.output_upscaling';
  const twice = transposedConvOf(weights, `${name}.0`, image, D / 4);
  const middle = gelu(layernormOf(weights, `${name}.1`, twice, layerNormEps));
  return gelu(transposedConvOf(weights, `${name}.3`, middle, D / 8));
}
