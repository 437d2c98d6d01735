import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import {
  type DecoderKind,
  type PreprocessingRecord,
  SAM_DEFAULTS,
  type SamConfig,
  usualPreprocessing,
} from '../../config/sam.ts';
import { encoderOf } from '../encoder.ts';
import type { AnyEncoder } from '../encoders/encoder.ts';
import { ENCODERS } from '../encoders/registry.ts';
import { count, eps, parseFields } from './config-fields.ts';

const rgb = v.tuple([v.number(), v.number(), v.number()]);
type Rgb = v.InferOutput<typeof rgb>;
const divisor = v.pipe(v.number(), v.gtValue(0));
const divisors = v.tuple([divisor, divisor, divisor]);

/** @param activation of the mask decoder, as Hugging Face says it. */
const hfSchema = (activation: 'relu' | 'gelu') =>
  v.object({
    model_type: v.optional(v.string()),
    vision_config: v.object({
      output_channels: v.optional(count, 256),
      /** A SAM 2's name for it. */
      fpn_hidden_size: v.optional(count),
      num_channels: v.optional(v.literal(3), 3),
      layer_norm_eps: v.optional(eps, SAM_DEFAULTS.layerNormEps),
    }),
    prompt_encoder_config: v.optional(
      v.object({
        mask_input_channels: v.optional(count, 16),
        num_point_embeddings: v.optional(v.literal(4), 4),
        hidden_act: v.optional(v.literal('gelu'), 'gelu'),
      }),
      {},
    ),
    mask_decoder_config: v.optional(
      v.object({
        hidden_act: v.optional(v.literal(activation), activation),
        mlp_dim: v.optional(count, 2048),
        num_hidden_layers: v.optional(count, 2),
        num_attention_heads: v.optional(count, 8),
        attention_downsample_rate: v.optional(count, 2),
        num_multimask_outputs: v.optional(v.literal(3), 3),
        iou_head_depth: v.optional(v.pipe(count, v.minValue(2)), 3),
        iou_head_hidden_dim: v.optional(count, 256),
        layer_norm_eps: v.optional(eps, SAM_DEFAULTS.decoder.layerNormEps),
        /** Only an HQ-SAM says it. */
        vit_dim: v.optional(count),
      }),
      {},
    ),
  });

const FlatSchema = v.object({
  output_channels: count,
  mask_channels: v.optional(count),
  mask_input_channels: v.optional(count),
  decoder_depth: v.optional(count),
  decoder_heads: v.optional(count),
  decoder_mlp_dim: v.optional(count),
  attention_downsample_rate: v.optional(count),
  iou_head_depth: v.optional(v.pipe(count, v.minValue(2))),
  iou_hidden: v.optional(count),
  hq: v.optional(v.boolean(), false),
});

const PreprocessorSchema = v.object({
  image_mean: v.optional(rgb, [0.485, 0.456, 0.406]),
  image_std: v.optional(divisors, [0.229, 0.224, 0.225]),
  do_normalize: v.optional(v.boolean(), true),
  do_rescale: v.optional(v.boolean(), true),
  rescale_factor: v.optional(
    v.pipe(
      v.number(),
      v.check((factor) => rangeAfter(factor) !== null, 'Only 1/255 and 1 are known'),
    ),
    1 / 255,
  ),
  /** Ours: says outright what Hugging Face says by `size`. */
  aspect: v.optional(v.picklist(['keep', 'stretch'])),
  /** Ours: `min-max` for MedSAM's way. */
  normalisation: v.optional(v.picklist(['mean-std', 'min-max'])),
  size: v.optional(v.looseObject({})),
});

/**
 * Reads Hugging Face's `config.json` of a SamModel, or the flat form (`image_size`, `hidden_size`, …, `decoder_heads`), where
 * there are no weights whose shapes would count (`infer-config.ts`). What it leaves out is SAM ViT-B's.
 * @param json the parsed file; @param where its name, for messages; @param preprocessor the parsed `preprocessor_config.json`.
 * @throws Failure `config/not-sam`, `config/invalid`, `config/inconsistent`.
 */
export function parseSamConfig(
  json: unknown,
  where: string,
  { preprocessor }: { readonly preprocessor?: unknown } = {},
): SamConfig {
  const said = preprocessor === undefined ? null : parsePreprocessor(preprocessor, where);
  for (const encoder of ENCODERS) {
    const part = encoder.parseConfig(json, where);
    if (!part) continue;
    const rest = parseRest(json, where, encoder);
    const preprocessing = said ?? usualPreprocessing(rest.decoder.kind);
    return checkSamConfig({ ...part, ...rest, preprocessing }, where);
  }
  throw new Failure({
    code: 'config/not-sam',
    what: 'This is not the config of a SAM: it has no vision_config.',
    where,
    cure: "Give the folder of a Hugging Face SamModel (config.json and model.safetensors), or the weights' file alone.",
  });
}

/** What is read for all encoders alike; `json` is an object. */
function parseRest(
  json: unknown,
  where: string,
  encoder: AnyEncoder,
): Pick<SamConfig, 'outputChannels' | 'layerNormEps' | 'maskInputChannels' | 'decoder'> {
  return 'vision_config' in (json as object) ? fromHf(json, where, encoder) : fromFlat(json, where, encoder);
}

/**
 * The mask decoder's activation in Hugging Face's configs: of a SamModel that of its MLPs, of a Sam2Model that of the upscaling, which
 * is the same in both.
 */
export function activationOf({ hasHighRes }: AnyEncoder): 'relu' | 'gelu' {
  return hasHighRes ? 'gelu' : 'relu';
}

/** Whose mask decoder stands behind an encoder. @param isHq whether it has HQ-SAM's layers. */
export function kindOf({ hasHighRes }: AnyEncoder, isHq: boolean): DecoderKind {
  if (hasHighRes) return 'sam2';
  return isHq ? 'hq' : 'sam';
}

function fromHf(json: unknown, where: string, encoder: AnyEncoder): ReturnType<typeof parseRest> {
  const {
    model_type: type,
    vision_config: e,
    prompt_encoder_config: p,
    mask_decoder_config: d,
  } = parseFields(hfSchema(activationOf(encoder)), json, where);
  return {
    outputChannels: e.fpn_hidden_size ?? e.output_channels,
    maskInputChannels: p.mask_input_channels,
    layerNormEps: e.layer_norm_eps,
    decoder: {
      depth: d.num_hidden_layers,
      numHeads: d.num_attention_heads,
      mlpDim: d.mlp_dim,
      attentionDownsampleRate: d.attention_downsample_rate,
      iouHeadDepth: d.iou_head_depth,
      iouHidden: d.iou_head_hidden_dim,
      layerNormEps: d.layer_norm_eps,
      kind: kindOf(encoder, type === 'sam_hq' || d.vit_dim !== undefined),
    },
  };
}

function fromFlat(json: unknown, where: string, encoder: AnyEncoder): ReturnType<typeof parseRest> {
  const { maskInputChannels, decoder } = SAM_DEFAULTS;
  const c = parseFields(FlatSchema, json, where);
  return {
    outputChannels: c.output_channels,
    maskInputChannels: c.mask_input_channels ?? c.mask_channels ?? maskInputChannels,
    layerNormEps: SAM_DEFAULTS.layerNormEps,
    decoder: {
      depth: c.decoder_depth ?? decoder.depth,
      numHeads: c.decoder_heads ?? decoder.numHeads,
      mlpDim: c.decoder_mlp_dim ?? decoder.mlpDim,
      attentionDownsampleRate: c.attention_downsample_rate ?? decoder.attentionDownsampleRate,
      iouHeadDepth: c.iou_head_depth ?? decoder.iouHeadDepth,
      iouHidden: c.iou_hidden ?? decoder.iouHidden,
      layerNormEps: SAM_DEFAULTS.decoder.layerNormEps,
      kind: kindOf(encoder, c.hq),
    },
  };
}

/** What 255 becomes by a factor; null for one that leaves another range than the two that are known. */
function rangeAfter(factor: number): 1 | 255 | null {
  if (factor === 1) return 255;
  return Math.abs(factor * 255 - 1) < 1e-3 ? 1 : null;
}

/** Reads Hugging Face's `preprocessor_config.json` of a SamProcessor; what it does not say is SAM's own way. */
export function parsePreprocessor(json: unknown, where: string): PreprocessingRecord {
  const p = parseFields(PreprocessorSchema, json, where);
  const stretched = p.size !== undefined && 'height' in p.size && 'width' in p.size;
  const aspect = p.aspect ?? (stretched ? 'stretch' : 'keep');
  if (p.normalisation === 'min-max') return { aspect, normalisation: { kind: 'min-max' } };
  const [mean, std]: [Rgb, Rgb] = p.do_normalize
    ? [p.image_mean, p.image_std]
    : [
        [0, 0, 0],
        [1, 1, 1],
      ];
  const range = (p.do_rescale ? rangeAfter(p.rescale_factor) : null) ?? 255;
  return { aspect, normalisation: { kind: 'mean-std', mean, std, range } };
}

/**
 * Checks what the fields must be to each other.
 * @throws Failure `config/inconsistent` that names the two fields.
 */
export function checkSamConfig(config: SamConfig, where: string): SamConfig {
  const { decoder } = config;
  const divides = (whole: number, part: number) => whole % part === 0;
  const rules: readonly (readonly [boolean, string])[] = [
    [divides(config.outputChannels, 8), `output_channels ${config.outputChannels} is no multiple of 8`],
    [
      divides(config.maskInputChannels, 4),
      `mask_input_channels ${config.maskInputChannels} is no multiple of 4`,
    ],
    [
      divides(config.outputChannels, decoder.attentionDownsampleRate * decoder.numHeads),
      `output_channels ${config.outputChannels} is no multiple of the decoder's heads ${decoder.numHeads} × attention_downsample_rate ${decoder.attentionDownsampleRate}`,
    ],
    [
      decoder.kind !== 'hq' || encoderOf(config).intermediateWidth(config) !== null,
      "the mask decoder is HQ-SAM's, and every block of the encoder has windows",
    ],
  ];
  const broken = [
    ...encoderOf(config).contradictions(config),
    ...rules.flatMap(([holds, message]) => (holds ? [] : [message])),
  ];
  if (broken.length > 0) {
    throw new Failure({
      code: 'config/inconsistent',
      what: `The config contradicts itself: ${broken.join('; ')}.`,
      where,
      cure: 'Use the config.json that was saved together with these weights.',
    });
  }
  return config;
}
