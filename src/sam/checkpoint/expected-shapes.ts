import { attentionSizeOf, gridOf, MASK_TOKENS, type SamConfig } from '../../config/sam.ts';
import type { Shape } from '../../graph/shape.ts';

/** Every tensor of a SAM under its original name, with the shape that the config asks for. */
export function samTensorShapes(config: SamConfig): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  encoderShapes(config, shapes);
  promptShapes(config, shapes);
  decoderShapes(config, shapes);
  return shapes;
}

function encoderShapes(config: SamConfig, shapes: Map<string, Shape>): void {
  const { hiddenSize: C, outputChannels: D, patchSize, mlpDim, numAttentionHeads } = config;
  const grid = gridOf(config);
  if (config.useAbsPos) shapes.set('image_encoder.pos_embed', [1, grid, grid, C]);
  shapes.set('image_encoder.patch_embed.proj.weight', [C, 3, patchSize, patchSize]);
  shapes.set('image_encoder.patch_embed.proj.bias', [C]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const name = `image_encoder.blocks.${i}`;
    norm(shapes, `${name}.norm1`, C);
    if (config.useRelPos) {
      const rows = 2 * attentionSizeOf(config, i) - 1;
      shapes.set(`${name}.attn.rel_pos_h`, [rows, C / numAttentionHeads]);
      shapes.set(`${name}.attn.rel_pos_w`, [rows, C / numAttentionHeads]);
    }
    shapes.set(`${name}.attn.qkv.weight`, [3 * C, C]);
    if (config.qkvBias) shapes.set(`${name}.attn.qkv.bias`, [3 * C]);
    linear(shapes, `${name}.attn.proj`, C, C);
    norm(shapes, `${name}.norm2`, C);
    linear(shapes, `${name}.mlp.lin1`, C, mlpDim);
    linear(shapes, `${name}.mlp.lin2`, mlpDim, C);
  }
  shapes.set('image_encoder.neck.0.weight', [D, C, 1, 1]);
  norm(shapes, 'image_encoder.neck.1', D);
  shapes.set('image_encoder.neck.2.weight', [D, D, 3, 3]);
  norm(shapes, 'image_encoder.neck.3', D);
}

function promptShapes(
  { outputChannels: D, maskInputChannels: m }: SamConfig,
  shapes: Map<string, Shape>,
): void {
  const name = 'prompt_encoder';
  shapes.set(`${name}.pe_layer.positional_encoding_gaussian_matrix`, [2, D / 2]);
  for (let i = 0; i < 4; i++) shapes.set(`${name}.point_embeddings.${i}.weight`, [1, D]);
  shapes.set(`${name}.not_a_point_embed.weight`, [1, D]);
  conv(shapes, `${name}.mask_downscaling.0`, [m / 4, 1, 2, 2], m / 4);
  norm(shapes, `${name}.mask_downscaling.1`, m / 4);
  conv(shapes, `${name}.mask_downscaling.3`, [m, m / 4, 2, 2], m);
  norm(shapes, `${name}.mask_downscaling.4`, m);
  conv(shapes, `${name}.mask_downscaling.6`, [D, m, 1, 1], D);
  shapes.set(`${name}.no_mask_embed.weight`, [1, D]);
}

function decoderShapes({ outputChannels: D, decoder }: SamConfig, shapes: Map<string, Shape>): void {
  const transformer = 'mask_decoder.transformer';
  const inner = D / decoder.attentionDownsampleRate;
  for (let i = 0; i < decoder.depth; i++) {
    const name = `${transformer}.layers.${i}`;
    attention(shapes, `${name}.self_attn`, D, D);
    attention(shapes, `${name}.cross_attn_token_to_image`, D, inner);
    linear(shapes, `${name}.mlp.lin1`, D, decoder.mlpDim);
    linear(shapes, `${name}.mlp.lin2`, decoder.mlpDim, D);
    for (const i of [1, 2, 3, 4]) norm(shapes, `${name}.norm${i}`, D);
    attention(shapes, `${name}.cross_attn_image_to_token`, D, inner);
  }
  attention(shapes, `${transformer}.final_attn_token_to_image`, D, inner);
  norm(shapes, `${transformer}.norm_final_attn`, D);
  shapes.set('mask_decoder.iou_token.weight', [1, D]);
  shapes.set('mask_decoder.mask_tokens.weight', [MASK_TOKENS, D]);
  conv(shapes, 'mask_decoder.output_upscaling.0', [D, D / 4, 2, 2], D / 4);
  norm(shapes, 'mask_decoder.output_upscaling.1', D / 4);
  conv(shapes, 'mask_decoder.output_upscaling.3', [D / 4, D / 8, 2, 2], D / 8);
  for (let i = 0; i < MASK_TOKENS; i++) {
    head(shapes, `mask_decoder.output_hypernetworks_mlps.${i}`, D, D, D / 8, 3);
  }
  head(shapes, 'mask_decoder.iou_prediction_head', D, decoder.iouHidden, MASK_TOKENS, decoder.iouHeadDepth);
}

function linear(shapes: Map<string, Shape>, name: string, from: number, to: number): void {
  shapes.set(`${name}.weight`, [to, from]);
  shapes.set(`${name}.bias`, [to]);
}

function norm(shapes: Map<string, Shape>, name: string, width: number): void {
  shapes.set(`${name}.weight`, [width]);
  shapes.set(`${name}.bias`, [width]);
}

function conv(shapes: Map<string, Shape>, name: string, kernel: Shape, out: number): void {
  shapes.set(`${name}.weight`, kernel);
  shapes.set(`${name}.bias`, [out]);
}

function attention(shapes: Map<string, Shape>, name: string, D: number, inner: number): void {
  for (const part of ['q_proj', 'k_proj', 'v_proj']) linear(shapes, `${name}.${part}`, D, inner);
  linear(shapes, `${name}.out_proj`, inner, D);
}

function head(
  shapes: Map<string, Shape>,
  name: string,
  from: number,
  hidden: number,
  to: number,
  depth: number,
): void {
  for (let i = 0; i < depth; i++) {
    linear(shapes, `${name}.layers.${i}`, i === 0 ? from : hidden, i === depth - 1 ? to : hidden);
  }
}
