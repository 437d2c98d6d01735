import { SAM_DEFAULTS, SAM_PREPROCESSING, type SamConfig } from '../../config/sam.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import type { ShapeReader } from './shape-reader.ts';

/**
 * The config of a checkpoint that comes without one, read off its shapes. What shapes cannot tell is SAM's own: eight decoder
 * heads, eps, normalisation. Not yet checked for contradictions.
 * @throws Failure `checkpoint/missing`.
 */
export function inferSamConfig(encoder: AnyEncoder, shapes: ShapeReader): SamConfig {
  const part = encoder.inferConfig(shapes);
  const outputChannels = shapes.axis('mask_decoder.iou_token.weight', 1);
  const inner = shapes.axis('mask_decoder.transformer.final_attn_token_to_image.q_proj.weight', 0);
  return {
    ...part,
    outputChannels,
    maskInputChannels: shapes.axis('prompt_encoder.mask_downscaling.3.weight', 0),
    layerNormEps: SAM_DEFAULTS.layerNormEps,
    decoder: {
      depth: shapes.count(/^mask_decoder\.transformer\.layers\.(\d+)\./),
      numHeads: SAM_DEFAULTS.decoder.numHeads,
      mlpDim: shapes.axis('mask_decoder.transformer.layers.0.mlp.lin1.weight', 0),
      attentionDownsampleRate: outputChannels / inner,
      iouHeadDepth: shapes.count(/^mask_decoder\.iou_prediction_head\.layers\.(\d+)\./),
      iouHidden: shapes.axis('mask_decoder.iou_prediction_head.layers.0.weight', 0),
      layerNormEps: SAM_DEFAULTS.decoder.layerNormEps,
    },
    preprocessing: SAM_PREPROCESSING,
  };
}
