import type { SamConfig } from '../config/sam.ts';
import type { Tensor } from '../graph/graph.ts';
import { axis } from '../graph/shape.ts';
import { gelu } from '../ops/activation/activation.ts';
import { add } from '../ops/add/add.ts';
import { gatherLeading } from '../ops/gather-leading/gather-leading.ts';
import { im2col3, sumTaps3 } from '../ops/im2col3/im2col3.ts';
import { matmul } from '../ops/matmul/matmul.ts';
import { addConv, addMlp, addNorm, type ShapeMap } from './checkpoint/layer-shapes.ts';
import type { Embeddings } from './encoders/encoder.ts';
import { layernormOf, mlpOf, patchConvOf, transposedConvOf } from './layers.ts';
import type { WeightSource } from './weight-source.ts';

const NAME = 'mask_decoder';
/** HQ-SAM's mask token; a checkpoint that has it is one of HQ-SAM. */
export const HQ_TOKEN = `${NAME}.hf_token.weight`;
const MLP = `${NAME}.hf_mlp`;
const FROM_EMBEDDING = `${NAME}.embedding_encoder`;
const FROM_INTERMEDIATE = `${NAME}.compress_vit_feat`;
const FROM_PIXELS = `${NAME}.embedding_maskfeature`;
const MLP_DEPTH = 3;

/** The image's features and the objects' pixels meet here. */
type HqEmbeddings = Required<Pick<Embeddings<Tensor>, 'embedding' | 'intermediate'>>;

/**
 * The mask that HQ-SAM (arXiv 2306.01567) adds to SAM's: the product of its own token's kernel and of features that are
 * the sum of three, upscaled from the embedding, from the encoder's intermediate features, and made of SAM's own pixels.
 * @param imageIndex of several images each object's, [N]; null: the embeddings are of one.
 * @param token the transformer's answer for HQ-SAM's token, [N, 1, D]; @param pixels SAM's upscaled ones, [N, 4h, 4w, D/8].
 * @returns logits [N, 1, 4h·4w].
 */
export function traceHqMask(
  config: SamConfig,
  { embedding, intermediate }: HqEmbeddings,
  imageIndex: Tensor | null,
  token: Tensor,
  pixels: Tensor,
  weights: WeightSource,
): Tensor {
  const { outputChannels: D, layerNormEps } = config;
  const [objects, height, width] = [axis(pixels.shape, 0), axis(pixels.shape, 1), axis(pixels.shape, 2)];
  const size = height * width;
  const kernel = mlpOf(weights, MLP, token, D, D / 8, MLP_DEPTH).view([objects, D / 8]);

  const ofImage = add(
    traceUpscaling(config, FROM_EMBEDDING, embedding, D / 4, weights),
    traceUpscaling(config, FROM_INTERMEDIATE, intermediate, D, weights),
  );
  const conv = patchConvOf(weights, `${FROM_PIXELS}.0`, im2col3(pixels), [D / 4, D / 8, 3, 3], true);
  const normed = layernormOf(weights, `${FROM_PIXELS}.1`, conv, layerNormEps);
  const ofPixels = gelu(normed).view([objects, size, D / 4]);

  // The last convolution is linear and the kernel's product follows it, so the kernel is multiplied into its weight: nine
  // products a pixel, and never its D/8 outputs nor the neighbourhoods that they are made of.
  const last = weights(`${FROM_PIXELS}.3.weight`, [D / 8, D / 4, 3, 3]).view([D / 8, (D / 4) * 9]);
  const taps = matmul(ofPixels, matmul(kernel, last).view([objects, D / 4, 9]));
  const fromPixels = sumTaps3(taps.view([objects, height, width, 9])).view([objects, size]);
  const features = add(ofImage, weights(`${FROM_PIXELS}.3.bias`, [D / 8]));
  const fromImage = imageIndex
    ? matmul(
        kernel.view([objects, 1, D / 8]),
        gatherLeading(features.view([axis(features.shape, 0), size, D / 8]), imageIndex),
        { bT: true },
      )
    : matmul(kernel, features.view([size, D / 8]), { bT: true });
  return add(fromPixels, fromImage.view([objects, size])).view([objects, 1, size]);
}

/** Two transposed convolutions of stride 2: [h, w, C] → [1, 4h, 4w, D/8], [B, h, w, C] → [B, 4h, 4w, D/8]. */
function traceUpscaling(
  { outputChannels: D, layerNormEps }: SamConfig,
  name: string,
  x: Tensor,
  hidden: number,
  weights: WeightSource,
): Tensor {
  const images = x.shape.length === 4 ? x : x.view([1, ...x.shape]);
  const twice = transposedConvOf(weights, `${name}.0`, images, hidden);
  const middle = gelu(layernormOf(weights, `${name}.1`, twice, layerNormEps));
  return transposedConvOf(weights, `${name}.3`, middle, D / 8);
}

/** Adds the tensors that only HQ-SAM has. @param width C of the encoder's intermediate features. */
export function addHqMask(shapes: ShapeMap, { outputChannels: D }: SamConfig, width: number): void {
  shapes.set(HQ_TOKEN, [1, D]);
  addMlp(shapes, MLP, D, D, D / 8, MLP_DEPTH);
  addUpscaling(shapes, FROM_INTERMEDIATE, width, D, D / 8);
  addUpscaling(shapes, FROM_EMBEDDING, D, D / 4, D / 8);
  addConv(shapes, `${FROM_PIXELS}.0`, [D / 4, D / 8, 3, 3], D / 4);
  addNorm(shapes, `${FROM_PIXELS}.1`, D / 4);
  addConv(shapes, `${FROM_PIXELS}.3`, [D / 8, D / 4, 3, 3], D / 8);
}

function addUpscaling(shapes: ShapeMap, name: string, from: number, hidden: number, to: number): void {
  addConv(shapes, `${name}.0`, [from, hidden, 2, 2], hidden);
  addNorm(shapes, `${name}.1`, hidden);
  addConv(shapes, `${name}.3`, [hidden, to, 2, 2], to);
}
