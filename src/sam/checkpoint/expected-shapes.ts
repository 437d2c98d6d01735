import { MASK_TOKENS, type SamConfig } from '../../config/sam.ts';
import { lastOf, type Shape, sizeOf } from '../../graph/shape.ts';
import { embeddingShapes, encoderOf } from '../encoder.ts';
import { addHqMask } from '../hq-mask.ts';
import { OBJECT_TOKEN } from '../mask-decoder.ts';
import { addConv, addLinear, addMlp, addNorm, type ShapeMap } from './layer-shapes.ts';

/** Every tensor of a SAM under its original name, with the shape that the config asks for. */
export function samTensorShapes(config: SamConfig): Map<string, Shape> {
  const shapes: ShapeMap = new Map(encoderOf(config).tensorShapes(config));
  promptShapes(config, shapes);
  decoderShapes(config, shapes);
  return shapes;
}

/**
 * {@link samTensorShapes} and what no mask depends on, but without which other programs do not take a model as whole: of a SAM 2 the
 * head that tells whether there is an object.
 */
export function wholeTensorShapes(config: SamConfig): Map<string, Shape> {
  const { outputChannels: D, decoder } = config;
  const shapes: ShapeMap = samTensorShapes(config);
  if (decoder.kind === 'sam2') addMlp(shapes, 'mask_decoder.pred_obj_score_head', D, D, 1, 3);
  return shapes;
}

/** Numbers that training made; the fixed matrix of the positional encoding is none of them. */
export function parameterCountOf(config: SamConfig): number {
  let count = 0;
  for (const [name, shape] of samTensorShapes(config)) {
    if (!name.endsWith('positional_encoding_gaussian_matrix')) count += sizeOf(shape);
  }
  return count;
}

function promptShapes({ outputChannels: D, maskInputChannels: m }: SamConfig, shapes: ShapeMap): void {
  const name = 'prompt_encoder';
  shapes.set(`${name}.pe_layer.positional_encoding_gaussian_matrix`, [2, D / 2]);
  for (let i = 0; i < 4; i++) shapes.set(`${name}.point_embeddings.${i}.weight`, [1, D]);
  shapes.set(`${name}.not_a_point_embed.weight`, [1, D]);
  addConv(shapes, `${name}.mask_downscaling.0`, [m / 4, 1, 2, 2], m / 4);
  addNorm(shapes, `${name}.mask_downscaling.1`, m / 4);
  addConv(shapes, `${name}.mask_downscaling.3`, [m, m / 4, 2, 2], m);
  addNorm(shapes, `${name}.mask_downscaling.4`, m);
  addConv(shapes, `${name}.mask_downscaling.6`, [D, m, 1, 1], D);
  shapes.set(`${name}.no_mask_embed.weight`, [1, D]);
}

function decoderShapes(config: SamConfig, shapes: ShapeMap): void {
  const { outputChannels: D, decoder } = config;
  const transformer = 'mask_decoder.transformer';
  const inner = D / decoder.attentionDownsampleRate;
  for (let i = 0; i < decoder.depth; i++) {
    const name = `${transformer}.layers.${i}`;
    attention(shapes, `${name}.self_attn`, D, D);
    attention(shapes, `${name}.cross_attn_token_to_image`, D, inner);
    addLinear(shapes, `${name}.mlp.lin1`, D, decoder.mlpDim);
    addLinear(shapes, `${name}.mlp.lin2`, decoder.mlpDim, D);
    for (const i of [1, 2, 3, 4]) addNorm(shapes, `${name}.norm${i}`, D);
    attention(shapes, `${name}.cross_attn_image_to_token`, D, inner);
  }
  attention(shapes, `${transformer}.final_attn_token_to_image`, D, inner);
  addNorm(shapes, `${transformer}.norm_final_attn`, D);
  shapes.set('mask_decoder.iou_token.weight', [1, D]);
  shapes.set('mask_decoder.mask_tokens.weight', [MASK_TOKENS, D]);
  addConv(shapes, 'mask_decoder.output_upscaling.0', [D, D / 4, 2, 2], D / 4);
  addNorm(shapes, 'mask_decoder.output_upscaling.1', D / 4);
  addConv(shapes, 'mask_decoder.output_upscaling.3', [D / 4, D / 8, 2, 2], D / 8);
  for (let i = 0; i < MASK_TOKENS; i++) {
    addMlp(shapes, `mask_decoder.output_hypernetworks_mlps.${i}`, D, D, D / 8, 3);
  }
  const { iouHidden, iouHeadDepth } = decoder;
  addMlp(shapes, 'mask_decoder.iou_prediction_head', D, iouHidden, MASK_TOKENS, iouHeadDepth);
  const { intermediate } = embeddingShapes(config);
  if (intermediate) addHqMask(shapes, config, lastOf(intermediate));
  if (decoder.kind === 'sam2') shapes.set(OBJECT_TOKEN, [1, D]);
}

function attention(shapes: ShapeMap, name: string, D: number, inner: number): void {
  for (const part of ['q_proj', 'k_proj', 'v_proj']) addLinear(shapes, `${name}.${part}`, D, inner);
  addLinear(shapes, `${name}.out_proj`, inner, D);
}
