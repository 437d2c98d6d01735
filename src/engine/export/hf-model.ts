/** A SAM as Hugging Face's transformers and transformers.js read it: names, config.json, preprocessor_config.json. */
import type { FailureRecord } from '../../config/failure.ts';
import { gridOf, lowResOf, type PreprocessingRecord, type SamConfig } from '../../config/sam.ts';
import { lastOf } from '../../graph/shape.ts';
import { samTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { hfNames } from '../../sam/checkpoint/names.ts';
import { embeddingShapes, encoderOf } from '../../sam/encoder.ts';

/** Why transformers cannot hold a model; null where it can. */
export function hfRefusal(config: SamConfig): FailureRecord | null {
  if (encoderOf(config).hfConfig?.(config)) return null;
  return {
    code: 'export/no-hf-model',
    what:
      config.encoder.kind === 'vit'
        ? 'Its blocks were pruned to different sizes, which SamModel of Hugging Face does not have.'
        : `SamModel of Hugging Face has a ViT, and this model has another image encoder (${config.encoder.kind}).`,
    where: 'model',
    cure: 'Export it as sam, which keeps the names of segment_anything, or as onnx.',
  };
}

/** Hugging Face's name by SAM's, of every tensor of a model that {@link hfRefusal} lets through. */
export function hfTensorNames(config: SamConfig): ReadonlyMap<string, string> {
  const names = hfNames([...samTensorShapes(config).keys()], encoderOf(config));
  if (!names) throw new RangeError('Hugging Face has no such model');
  return names;
}

/** `config.json`. */
export function hfConfig(config: SamConfig): Record<string, unknown> {
  const { decoder, outputChannels, imageSize, stride } = config;
  const { intermediate } = embeddingShapes(config);
  const type = intermediate ? 'sam_hq' : 'sam';
  return {
    architectures: [intermediate ? 'SamHQModel' : 'SamModel'],
    model_type: type,
    vision_config: { model_type: `${type}_vision_model`, ...encoderOf(config).hfConfig?.(config) },
    prompt_encoder_config: {
      model_type: `${type}_prompt_encoder`,
      hidden_size: outputChannels,
      image_size: imageSize,
      patch_size: stride,
      image_embedding_size: gridOf(config),
      mask_input_channels: config.maskInputChannels,
      num_point_embeddings: 4,
      hidden_act: 'gelu',
      layer_norm_eps: config.layerNormEps,
    },
    mask_decoder_config: {
      model_type: `${type}_mask_decoder`,
      hidden_size: outputChannels,
      hidden_act: 'relu',
      mlp_dim: decoder.mlpDim,
      num_hidden_layers: decoder.depth,
      num_attention_heads: decoder.numHeads,
      attention_downsample_rate: decoder.attentionDownsampleRate,
      num_multimask_outputs: 3,
      iou_head_depth: decoder.iouHeadDepth,
      iou_head_hidden_dim: decoder.iouHidden,
      layer_norm_eps: decoder.layerNormEps,
      ...(intermediate && { vit_dim: lastOf(intermediate) }),
    },
  };
}

/**
 * `preprocessor_config.json` of a SamProcessor. What it cannot say (`aspect`, `normalisation`) stands in fields of our own.
 * @param config gives the sizes, @param preprocessing how images are prepared for the tuned model.
 */
export function hfPreprocessor(
  config: SamConfig,
  { aspect, normalisation }: PreprocessingRecord,
): Record<string, unknown> {
  const [size, mask] = [config.imageSize, lowResOf(config)];
  const unit = normalisation.kind === 'mean-std' ? normalisation.range : 1;
  const scaled = (values: readonly number[]) => values.map((value) => value / unit);
  return {
    processor_class: 'SamProcessor',
    image_processor_type: 'SamImageProcessor',
    do_convert_rgb: true,
    do_resize: true,
    resample: 2,
    size: { longest_edge: size },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: normalisation.kind === 'mean-std',
    ...(normalisation.kind === 'mean-std' && {
      image_mean: scaled(normalisation.mean),
      image_std: scaled(normalisation.std),
    }),
    do_pad: true,
    pad_size: { height: size, width: size },
    mask_size: { longest_edge: mask },
    mask_pad_size: { height: mask, width: mask },
    ...(aspect !== 'keep' && { aspect }),
    ...(normalisation.kind === 'min-max' && { normalisation: normalisation.kind }),
  };
}

/** What of an adapter's use `preprocessor_config.json` cannot say; empty where it says all. */
export function preprocessingNotes({ aspect, normalisation }: PreprocessingRecord): string[] {
  return [
    ...(aspect === 'stretch'
      ? ['Stretch images to a square before they are given to the processor, which would keep their aspect.']
      : []),
    ...(normalisation.kind === 'min-max'
      ? [
          'Scale each image to its own minimum and maximum, (v − min) / (max − min), which the processor does not do.',
        ]
      : []),
  ];
}
