import { SAM_DEFAULTS, SAM_PREPROCESSING, type SamConfig } from '../../config/sam.ts';
import { axis, type Shape } from '../../graph/shape.ts';
import { missingTensor } from './safetensors.ts';

/** The usual number of heads by the encoder's width, for a model whose tables of relative position do not tell. */
const HEADS_BY_WIDTH: Readonly<Record<number, number>> = { 768: 12, 1024: 16, 1280: 16 };

/**
 * The config of a checkpoint that comes without one (official ViT-B, -L and -H, and others of that family), read off its
 * shapes. What shapes cannot tell is SAM's own: eight decoder heads, eps, normalisation.
 * Not yet checked for contradictions. @param shapes by original name; @param file for messages.
 */
export function inferSamConfig(shapes: ReadonlyMap<string, Shape>, file: string): SamConfig {
  const shape = (name: string): Shape => {
    const found = shapes.get(name);
    if (!found) throw missingTensor(name, file);
    return found;
  };
  const count = (pattern: RegExp) => {
    const found = [...shapes.keys()].map((name) => pattern.exec(name)?.[1]).filter((n) => n !== undefined);
    return new Set(found).size;
  };
  const patch = shape('image_encoder.patch_embed.proj.weight');
  const [hiddenSize, patchSize] = [axis(patch, 0), axis(patch, 3)];
  const grid = axis(shape('image_encoder.pos_embed'), 1);
  const numHiddenLayers = count(/^image_encoder\.blocks\.(\d+)\./);
  const useRelPos = shapes.has('image_encoder.blocks.0.attn.rel_pos_h');
  const tableRows = Array.from({ length: numHiddenLayers }, (_, i) =>
    useRelPos ? axis(shape(`image_encoder.blocks.${i}.attn.rel_pos_h`), 0) : 2 * grid - 1,
  );
  const windowed = tableRows.find((rows) => rows !== 2 * grid - 1);
  const outputChannels = axis(shape('image_encoder.neck.0.weight'), 0);
  const inner = axis(shape('mask_decoder.transformer.final_attn_token_to_image.q_proj.weight'), 0);
  return {
    imageSize: grid * patchSize,
    patchSize,
    hiddenSize,
    numHiddenLayers,
    numAttentionHeads: useRelPos
      ? hiddenSize / axis(shape('image_encoder.blocks.0.attn.rel_pos_h'), 1)
      : (HEADS_BY_WIDTH[hiddenSize] ?? 12),
    mlpDim: axis(shape('image_encoder.blocks.0.mlp.lin1.weight'), 0),
    outputChannels,
    windowSize: windowed === undefined ? 0 : (windowed + 1) / 2,
    globalAttnIndexes: tableRows.flatMap((rows, i) => (rows === 2 * grid - 1 ? [i] : [])),
    qkvBias: shapes.has('image_encoder.blocks.0.attn.qkv.bias'),
    useAbsPos: true,
    useRelPos,
    maskInputChannels: axis(shape('prompt_encoder.mask_downscaling.3.weight'), 0),
    layerNormEps: SAM_DEFAULTS.layerNormEps,
    decoder: {
      depth: count(/^mask_decoder\.transformer\.layers\.(\d+)\./),
      numHeads: SAM_DEFAULTS.decoder.numHeads,
      mlpDim: axis(shape('mask_decoder.transformer.layers.0.mlp.lin1.weight'), 0),
      attentionDownsampleRate: outputChannels / inner,
      iouHeadDepth: count(/^mask_decoder\.iou_prediction_head\.layers\.(\d+)\./),
      iouHidden: axis(shape('mask_decoder.iou_prediction_head.layers.0.weight'), 0),
      layerNormEps: SAM_DEFAULTS.decoder.layerNormEps,
    },
    preprocessing: SAM_PREPROCESSING,
  };
}
