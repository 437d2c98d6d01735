import { gridOf, MASK_TOKENS, type SamConfig } from '../config/sam.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { axis, lastOf } from '../graph/shape.ts';
import { gelu, relu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { prependTokens } from '../ops/prepend-tokens/prepend-tokens.ts';
import { sliceTokens } from '../ops/slice-tokens/slice-tokens.ts';
import { depthToSpace } from '../ops/space-to-depth/space-to-depth.ts';
import { repeatLeading } from '../ops/sum-leading/sum-leading.ts';
import { layernormOf, linearOf } from './layers.ts';
import { traceTwoWayTransformer } from './two-way-transformer.ts';
import { graphInputs, type WeightSource } from './weight-source.ts';

/** What the decoder works on: one image, N objects. */
export interface DecoderInputs {
  /** [h, w, D] */
  readonly embedding: Tensor;
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

/** SAM's mask decoder (segment_anything/modeling/mask_decoder.py) in channels-last layout. */
export function traceMaskDecoder(
  graph: Graph,
  config: SamConfig,
  { embedding, imagePe, sparse, dense }: DecoderInputs,
  weights: WeightSource = graphInputs(graph),
): DecoderOutputs {
  const { outputChannels: D } = config;
  const grid = gridOf(config);
  const objects = axis(dense.shape, 0);
  const iouToken = weights('mask_decoder.iou_token.weight', [1, D]).view([1, 1, D]);
  const maskTokens = weights('mask_decoder.mask_tokens.weight', [MASK_TOKENS, D]).view([1, MASK_TOKENS, D]);
  const own = prependTokens(maskTokens, iouToken);
  const tokens = sparse
    ? prependTokens(sparse, own)
    : repeatLeading(own.view([1 + MASK_TOKENS, D]), [objects, 1 + MASK_TOKENS, D]);
  const source = add(dense, embedding).view([objects, grid * grid, D]);
  const seen = traceTwoWayTransformer(config, source, imagePe.view([grid * grid, D]), tokens, weights);

  const pixels = traceUpscaling(config, seen.image.view([objects, grid, grid, D]), weights);
  const kernels = Array.from({ length: MASK_TOKENS }, (_, i) => {
    const token = sliceTokens(seen.tokens, 1 + i, 1);
    return traceMlp(weights, `mask_decoder.output_hypernetworks_mlps.${i}`, token, D, D / 8, 3);
  });
  const side = 4 * grid;
  const masks = matmul(stackTokens(kernels), pixels.view([objects, side * side, D / 8]), { bT: true });
  const { iouHidden, iouHeadDepth } = config.decoder;
  const iou = traceMlp(
    weights,
    'mask_decoder.iou_prediction_head',
    sliceTokens(seen.tokens, 0, 1),
    iouHidden,
    MASK_TOKENS,
    iouHeadDepth,
  );
  return { masks: masks.view([objects, MASK_TOKENS, side, side]), iou: iou.view([objects, MASK_TOKENS]) };
}

/** Two transposed convolutions of stride 2: [N, h, w, D] → [N, 4h, 4w, D/8]. */
function traceUpscaling(config: SamConfig, image: Tensor, weights: WeightSource): Tensor {
  const { outputChannels: D, layerNormEps } = config;
  const name = 'mask_decoder.output_upscaling';
  const twice = transposedConvOf(weights, `${name}.0`, image, D / 4);
  const middle = gelu(layernormOf(weights, `${name}.1`, twice, layerNormEps));
  return gelu(transposedConvOf(weights, `${name}.3`, middle, D / 8));
}

/** `nn.ConvTranspose2d(C, out, 2, 2)`: [N, h, w, C] → [N, 2h, 2w, out]. */
function transposedConvOf(weights: WeightSource, name: string, x: Tensor, out: number): Tensor {
  const C = lastOf(x.shape);
  const [n, h, w] = [axis(x.shape, 0), axis(x.shape, 1), axis(x.shape, 2)];
  const weight = weights(`${name}.weight`, [C, out, 2, 2]).view([C, out * 4]);
  const patches = matmul(x.view([n * h * w, C]), weight).view([n, h, w, out * 4]);
  return add(depthToSpace(patches), weights(`${name}.bias`, [out]));
}

/** SAM's MLP: `depth` linear layers with relu between. */
function traceMlp(
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

/** Tokens [N, 1, C] one after the other: [N, count, C]. */
function stackTokens(tokens: readonly Tensor[]): Tensor {
  return tokens.reduceRight((rest, token) => prependTokens(rest, token));
}
