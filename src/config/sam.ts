import * as v from 'valibot';
import { Failure } from './failure.ts';

/** How an image becomes the model's input; kept in the adapter's file so that a tuned model sees what it was trained on. */
export interface PreprocessingRecord {
  /** `keep`: the longer side to `imageSize`, padded right and below (SAM). `stretch`: both sides to `imageSize` (MedSAM). */
  readonly aspect: 'keep' | 'stretch';
  /**
   * What happens to the values after the resize: (v − mean) / std with v from 0 to `range` (255 as in SAM, 1 as in Hugging
   * Face), or (v − min) / (max − min) of the image (MedSAM).
   */
  readonly normalisation:
    | { readonly kind: 'mean-std'; readonly mean: Rgb; readonly std: Rgb; readonly range: 255 | 1 }
    | { readonly kind: 'min-max' };
}

type Rgb = readonly [number, number, number];

/** The mask decoder's sizes. Its width is the encoder's `outputChannels`. */
export interface SamDecoderConfig {
  /** Layers of the two-way transformer. */
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpDim: number;
  /** Cross-attentions work at the width divided by this. */
  readonly attentionDownsampleRate: number;
  /** Linear layers of the head that predicts the IoU. */
  readonly iouHeadDepth: number;
  readonly iouHidden: number;
  /** Of the transformer's LayerNorms. */
  readonly layerNormEps: number;
}

/** Everything that decides the shapes of a SAM. Sizes in pixels, tokens or channels as the name says. */
export interface SamConfig {
  /** Side of the square input, pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  /** Width C of the encoder. */
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly mlpDim: number;
  /** Width D of the embedding, the prompts and the decoder. */
  readonly outputChannels: number;
  /** Side of a window in tokens; 0 makes every block global. */
  readonly windowSize: number;
  /** Blocks without windows. */
  readonly globalAttnIndexes: readonly number[];
  readonly qkvBias: boolean;
  readonly useAbsPos: boolean;
  readonly useRelPos: boolean;
  /** Channels of a mask prompt before it meets the embedding's width. */
  readonly maskInputChannels: number;
  /** Of the encoder's and the neck's LayerNorms, and of every LayerNorm2d. */
  readonly layerNormEps: number;
  readonly decoder: SamDecoderConfig;
  readonly preprocessing: PreprocessingRecord;
}

/** Mask tokens of the decoder: one for unambiguous prompts, three candidates. */
export const MASK_TOKENS = 4;

/** SAM's own numbers (segment_anything/build_sam.py). */
export const SAM_PREPROCESSING: PreprocessingRecord = {
  aspect: 'keep',
  normalisation: {
    kind: 'mean-std',
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
    range: 255,
  },
};

/** The record with the side of the model's square, as decoding an image needs it. */
export function imageRecordOf({
  imageSize,
  preprocessing,
}: SamConfig): PreprocessingRecord & { readonly size: number } {
  return { size: imageSize, ...preprocessing };
}

/** What the original code fixes and no file has to say. */
export const SAM_DEFAULTS = {
  qkvBias: true,
  useAbsPos: true,
  useRelPos: true,
  maskInputChannels: 16,
  layerNormEps: 1e-6,
  decoder: {
    depth: 2,
    numHeads: 8,
    mlpDim: 2048,
    attentionDownsampleRate: 2,
    iouHeadDepth: 3,
    iouHidden: 256,
    layerNormEps: 1e-5,
  },
} as const;

/** Side of the token grid. */
export function gridOf(config: SamConfig): number {
  return config.imageSize / config.patchSize;
}

/** Side of a mask that the decoder makes, four times the grid. */
export function lowResOf(config: SamConfig): number {
  return 4 * gridOf(config);
}

/** Side of the windows of block `index`; 0 for a global block. */
export function windowOf(config: SamConfig, index: number): number {
  return config.globalAttnIndexes.includes(index) ? 0 : config.windowSize;
}

/** Side of the token square within which block `index` attends. */
export function attentionSizeOf(config: SamConfig, index: number): number {
  return windowOf(config, index) || gridOf(config);
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536));
const eps = v.pipe(v.number(), v.gtValue(0), v.maxValue(0.1));
const indexes = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));
const rgb = v.tuple([v.number(), v.number(), v.number()]);

const HfSchema = v.object({
  vision_config: v.object({
    hidden_size: v.optional(count, 768),
    output_channels: v.optional(count, 256),
    num_hidden_layers: v.optional(count, 12),
    num_attention_heads: v.optional(count, 12),
    num_channels: v.optional(v.literal(3), 3),
    image_size: v.optional(count, 1024),
    patch_size: v.optional(count, 16),
    hidden_act: v.optional(v.literal('gelu'), 'gelu'),
    layer_norm_eps: v.optional(eps, 1e-6),
    qkv_bias: v.optional(v.boolean(), true),
    mlp_ratio: v.optional(v.pipe(v.number(), v.gtValue(0)), 4),
    use_abs_pos: v.optional(v.boolean(), true),
    use_rel_pos: v.optional(v.boolean(), true),
    window_size: v.optional(v.union([count, v.literal(0)]), 14),
    global_attn_indexes: v.optional(indexes, [2, 5, 8, 11]),
    mlp_dim: v.optional(v.nullable(count), null),
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
      hidden_act: v.optional(v.literal('relu'), 'relu'),
      mlp_dim: v.optional(count, 2048),
      num_hidden_layers: v.optional(count, 2),
      num_attention_heads: v.optional(count, 8),
      attention_downsample_rate: v.optional(count, 2),
      num_multimask_outputs: v.optional(v.literal(3), 3),
      iou_head_depth: v.optional(v.pipe(count, v.minValue(2)), 3),
      iou_head_hidden_dim: v.optional(count, 256),
      layer_norm_eps: v.optional(eps, SAM_DEFAULTS.decoder.layerNormEps),
    }),
    {},
  ),
});

const FlatSchema = v.object({
  image_size: count,
  patch_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  mlp_dim: count,
  output_channels: count,
  window_size: v.union([count, v.literal(0)]),
  global_attn_indexes: indexes,
  mask_channels: v.optional(count),
  mask_input_channels: v.optional(count),
  decoder_depth: v.optional(count),
  decoder_heads: v.optional(count),
  decoder_mlp_dim: v.optional(count),
  attention_downsample_rate: v.optional(count),
  iou_head_depth: v.optional(v.pipe(count, v.minValue(2))),
  iou_hidden: v.optional(count),
});

const PreprocessorSchema = v.object({
  image_mean: v.optional(rgb, [0.485, 0.456, 0.406]),
  image_std: v.optional(rgb, [0.229, 0.224, 0.225]),
  do_normalize: v.optional(v.boolean(), true),
  do_rescale: v.optional(v.boolean(), true),
  /** Ours: says outright what Hugging Face says by `size`. */
  aspect: v.optional(v.picklist(['keep', 'stretch'])),
  /** Ours: `min-max` for MedSAM's way. */
  normalisation: v.optional(v.picklist(['mean-std', 'min-max'])),
  size: v.optional(v.looseObject({})),
});

/**
 * Reads Hugging Face's `config.json` of a SamModel, or the flat form (`image_size`, `hidden_size`, …, `decoder_heads`).
 * @param json the parsed file; @param where its name, for messages.
 * @param preprocessor the parsed `preprocessor_config.json`, when there is one.
 * @param fallback what the flat form leaves out, as read off the weights; else SAM's own.
 * @throws Failure `config/not-sam`, `config/invalid`, `config/inconsistent`.
 */
export function parseSamConfig(
  json: unknown,
  where: string,
  preprocessor?: unknown,
  fallback: Pick<SamConfig, 'maskInputChannels' | 'decoder'> = SAM_DEFAULTS,
): SamConfig {
  const preprocessing =
    preprocessor === undefined ? SAM_PREPROCESSING : parsePreprocessor(preprocessor, where);
  const record = typeof json === 'object' && json !== null ? json : {};
  if ('vision_config' in record) return checkSamConfig({ ...fromHf(json, where), preprocessing }, where);
  if ('hidden_size' in record && 'patch_size' in record) {
    return checkSamConfig({ ...fromFlat(json, where, fallback), preprocessing }, where);
  }
  throw new Failure({
    code: 'config/not-sam',
    what: 'This is not the config of a SAM: it has no vision_config.',
    where,
    cure: "Give the folder of a Hugging Face SamModel (config.json and model.safetensors), or the weights' file alone.",
  });
}

function fromHf(json: unknown, where: string): Omit<SamConfig, 'preprocessing'> {
  const { vision_config: e, prompt_encoder_config: p, mask_decoder_config: d } = check(HfSchema, json, where);
  return {
    imageSize: e.image_size,
    patchSize: e.patch_size,
    hiddenSize: e.hidden_size,
    numHiddenLayers: e.num_hidden_layers,
    numAttentionHeads: e.num_attention_heads,
    mlpDim: e.mlp_dim ?? Math.floor(e.hidden_size * e.mlp_ratio),
    outputChannels: e.output_channels,
    windowSize: e.window_size,
    globalAttnIndexes: e.global_attn_indexes,
    qkvBias: e.qkv_bias,
    useAbsPos: e.use_abs_pos,
    useRelPos: e.use_rel_pos,
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
    },
  };
}

function fromFlat(
  json: unknown,
  where: string,
  { maskInputChannels, decoder }: Pick<SamConfig, 'maskInputChannels' | 'decoder'>,
): Omit<SamConfig, 'preprocessing'> {
  const c = check(FlatSchema, json, where);
  return {
    imageSize: c.image_size,
    patchSize: c.patch_size,
    hiddenSize: c.hidden_size,
    numHiddenLayers: c.num_hidden_layers,
    numAttentionHeads: c.num_attention_heads,
    mlpDim: c.mlp_dim,
    outputChannels: c.output_channels,
    windowSize: c.window_size,
    globalAttnIndexes: c.global_attn_indexes,
    qkvBias: SAM_DEFAULTS.qkvBias,
    useAbsPos: SAM_DEFAULTS.useAbsPos,
    useRelPos: SAM_DEFAULTS.useRelPos,
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
    },
  };
}

/** Reads Hugging Face's `preprocessor_config.json` of a SamProcessor; what it does not say is SAM's own way. */
export function parsePreprocessor(json: unknown, where: string): PreprocessingRecord {
  const p = check(PreprocessorSchema, json, where);
  const stretched = p.size !== undefined && 'height' in p.size && 'width' in p.size;
  const aspect = p.aspect ?? (stretched ? 'stretch' : 'keep');
  if (p.normalisation === 'min-max') return { aspect, normalisation: { kind: 'min-max' } };
  const [mean, std]: [Rgb, Rgb] = p.do_normalize
    ? [p.image_mean, p.image_std]
    : [
        [0, 0, 0],
        [1, 1, 1],
      ];
  return { aspect, normalisation: { kind: 'mean-std', mean, std, range: p.do_rescale ? 1 : 255 } };
}

/**
 * Checks what the fields must be to each other.
 * @throws Failure `config/inconsistent` that names the two fields.
 */
export function checkSamConfig(config: SamConfig, where: string): SamConfig {
  const { decoder } = config;
  const divides = (whole: number, part: number) => whole % part === 0;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      divides(config.imageSize, config.patchSize),
      `image_size ${config.imageSize} is no multiple of patch_size ${config.patchSize}`,
    ],
    [
      divides(config.hiddenSize, config.numAttentionHeads),
      `hidden_size ${config.hiddenSize} is no multiple of num_attention_heads ${config.numAttentionHeads}`,
    ],
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
      config.globalAttnIndexes.every((index) => index < config.numHiddenLayers),
      `global_attn_indexes ${config.globalAttnIndexes.join(', ')} go beyond num_hidden_layers ${config.numHiddenLayers}`,
    ],
  ];
  const broken = rules.filter(([holds]) => !holds).map(([, message]) => message);
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

function check<S extends v.GenericSchema>(schema: S, json: unknown, where: string): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? 'the file';
  throw new Failure({
    code: 'config/invalid',
    what: `${path} is not usable: ${issue.message}.`,
    where,
    cure: `Correct ${path}, or use the config.json that was saved together with these weights.`,
  });
}
