/** A SAM as Hugging Face's transformers and transformers.js read it: names, config.json, preprocessor_config.json. */
import type { FailureRecord } from '../../config/failure.ts';
import {
  type DecoderKind,
  gridOf,
  lowResOf,
  type PreprocessingRecord,
  type SamConfig,
  usualPreprocessing,
} from '../../config/sam.ts';
import { lastOf } from '../../graph/shape.ts';
import { wholeTensorShapes } from '../../sam/checkpoint/expected-shapes.ts';
import { COPY, hfNames } from '../../sam/checkpoint/names.ts';
import { activationOf } from '../../sam/checkpoint/parse-config.ts';
import { embeddingShapes, encoderOf } from '../../sam/encoder.ts';

/** What transformers calls the classes of a model, `SamModel` and `SamProcessor`, and its configs. */
export const HF_TYPES: Readonly<Record<DecoderKind, { readonly name: string; readonly id: string }>> = {
  sam: { name: 'Sam', id: 'sam' },
  hq: { name: 'SamHQ', id: 'sam_hq' },
  sam2: { name: 'Sam2', id: 'sam2' },
};

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

/**
 * Hugging Face's name by SAM's, of every tensor of a model that {@link hfRefusal} lets through. Tensors of one name are one there, in
 * this order along the first axis.
 */
export function hfTensorNames(config: SamConfig): ReadonlyMap<string, string> {
  const names = hfNames([...wholeTensorShapes(config).keys()], encoderOf(config));
  if (!names) throw new RangeError('Hugging Face has no such model');
  if (config.decoder.kind === 'sam2') for (const [name, hf] of names) names.set(name, joinedPoints(hf));
  return names;
}

/** Names under which a model of transformers asks for a tensor a second time, with SAM's name of it. */
export function hfCopies({ decoder }: SamConfig): ReadonlyMap<string, string> {
  const matrix = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
  // A SamModel ties the two.
  return new Map(decoder.kind === 'sam2' ? [[COPY, matrix]] : []);
}

/** Sam2Model has one table of points and corners, where a SamModel has four. */
function joinedPoints(name: string): string {
  return name.replace(/^(prompt_encoder\.point_embed)\.\d\.weight$/, '$1.weight');
}

/** `config.json`. */
export function hfConfig(config: SamConfig): Record<string, unknown> {
  const { decoder, outputChannels, imageSize, stride } = config;
  const { intermediate } = embeddingShapes(config);
  const { name, id: type } = HF_TYPES[decoder.kind];
  return {
    architectures: [`${name}Model`],
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
      hidden_act: activationOf(encoderOf(config)),
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
 * `preprocessor_config.json` of the model's processor. What it cannot say (`aspect`, `normalisation`) stands in fields of our own.
 * @param config gives the sizes, @param preprocessing how images are prepared for the tuned model.
 */
export function hfPreprocessor(
  config: SamConfig,
  { aspect, normalisation }: PreprocessingRecord,
): Record<string, unknown> {
  const { kind } = config.decoder;
  const { name } = HF_TYPES[kind === 'hq' ? 'sam' : kind];
  const [size, mask] = [config.imageSize, lowResOf(config)];
  const square = (side: number) => ({ height: side, width: side });
  const isStretched = kind === 'sam2';
  const unit = normalisation.kind === 'mean-std' ? normalisation.range : 1;
  const scaled = (values: readonly number[]) => values.map((value) => value / unit);
  return {
    processor_class: `${name}Processor`,
    image_processor_type: `${name}ImageProcessor`,
    do_convert_rgb: true,
    do_resize: true,
    resample: 2,
    size: isStretched ? square(size) : { longest_edge: size },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: normalisation.kind === 'mean-std',
    ...(normalisation.kind === 'mean-std' && {
      image_mean: scaled(normalisation.mean),
      image_std: scaled(normalisation.std),
    }),
    ...(!isStretched && { do_pad: true, pad_size: square(size) }),
    mask_size: isStretched ? square(mask) : { longest_edge: mask },
    ...(!isStretched && { mask_pad_size: square(mask) }),
    ...(aspect !== usualPreprocessing(kind).aspect && { aspect }),
    ...(normalisation.kind === 'min-max' && { normalisation: normalisation.kind }),
  };
}

/** What of an adapter's use `preprocessor_config.json` cannot say; empty where it says all. */
export function preprocessingNotes(
  { decoder }: SamConfig,
  { aspect, normalisation }: PreprocessingRecord,
): string[] {
  const isUsual = aspect === usualPreprocessing(decoder.kind).aspect;
  return [
    ...(isUsual ? [] : [OTHER_ASPECT[aspect]]),
    ...(normalisation.kind === 'min-max'
      ? [
          'Scale each image to its own minimum and maximum, (v − min) / (max − min), which the processor does not do.',
        ]
      : []),
  ];
}

const OTHER_ASPECT = {
  keep: 'Fill images up to a square, right and below, before they are given to the processor, which would stretch them.',
  stretch:
    'Stretch images to a square before they are given to the processor, which would keep their aspect.',
} as const;
