import * as v from 'valibot';
import { type EncoderConfig, gridOf, type SamConfig } from '../../../config/sam.ts';
import { count, parseFields } from '../../checkpoint/config-fields.ts';
import type { ShapeReader } from '../../checkpoint/shape-reader.ts';
import type { EncoderSite } from '../../site.ts';
import type { EncoderPart } from '../encoder.ts';

/** SAM's own encoder: a ViT of equal blocks. Its patches are as large as the config's `stride`. */
export interface VitConfig extends EncoderConfig {
  readonly kind: 'vit';
  /** Width C of every block. */
  readonly hiddenSize: number;
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  readonly mlpDim: number;
  /** Side of a window in tokens; 0 makes every block global. */
  readonly windowSize: number;
  /** Blocks without windows. */
  readonly globalAttnIndexes: readonly number[];
  readonly qkvBias: boolean;
  readonly useAbsPos: boolean;
  readonly useRelPos: boolean;
}

/** A SAM with this encoder. */
export type VitSam = SamConfig<VitConfig>;

/** What the original code fixes and no file has to say. */
export const VIT_DEFAULTS = {
  kind: 'vit',
  qkvBias: true,
  useAbsPos: true,
  useRelPos: true,
} as const satisfies Partial<VitConfig>;

/** The usual number of heads by width, for a model whose tables of relative position do not tell. */
const HEADS_BY_WIDTH: Readonly<Record<number, number>> = { 768: 12, 1024: 16, 1280: 16 };

const windowSize = v.union([count, v.literal(0)]);
const indexes = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));

const HfSchema = v.object({
  vision_config: v.object({
    hidden_size: v.optional(count, 768),
    num_hidden_layers: v.optional(count, 12),
    num_attention_heads: v.optional(count, 12),
    image_size: v.optional(count, 1024),
    patch_size: v.optional(count, 16),
    hidden_act: v.optional(v.literal('gelu'), 'gelu'),
    qkv_bias: v.optional(v.boolean(), true),
    mlp_ratio: v.optional(v.pipe(v.number(), v.gtValue(0)), 4),
    use_abs_pos: v.optional(v.boolean(), true),
    use_rel_pos: v.optional(v.boolean(), true),
    window_size: v.optional(windowSize, 14),
    global_attn_indexes: v.optional(indexes, [2, 5, 8, 11]),
    mlp_dim: v.optional(v.nullable(count), null),
  }),
});

const FlatSchema = v.object({
  image_size: count,
  patch_size: count,
  hidden_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  mlp_dim: count,
  window_size: windowSize,
  global_attn_indexes: indexes,
});

/** Every block of the encoder. */
export function vitSites(config: VitSam): EncoderSite[] {
  const { encoder } = config;
  const grid = gridOf(config);
  return Array.from({ length: encoder.numHiddenLayers }, (_, index) => ({
    index,
    name: `image_encoder.blocks.${index}`,
    width: encoder.hiddenSize,
    mlpWidth: encoder.mlpDim,
    heads: encoder.numAttentionHeads,
    grid: [grid, grid],
    window: encoder.globalAttnIndexes.includes(index) ? 0 : encoder.windowSize,
    qkvBias: encoder.qkvBias,
    useRelPos: encoder.useRelPos,
    layerNormEps: config.layerNormEps,
  }));
}

/** Reads Hugging Face's form, or the flat one (`image_size`, `patch_size`, `hidden_size`, …). */
export function parseVitConfig(json: unknown, where: string): EncoderPart<VitConfig> | null {
  const record = typeof json === 'object' && json !== null ? json : {};
  if ('vision_config' in record) {
    const { vision_config: c } = parseFields(HfSchema, json, where);
    const own = { qkvBias: c.qkv_bias, useAbsPos: c.use_abs_pos, useRelPos: c.use_rel_pos };
    return partOf({ ...c, mlp_dim: c.mlp_dim ?? Math.floor(c.hidden_size * c.mlp_ratio) }, own);
  }
  if ('hidden_size' in record && 'patch_size' in record) return partOf(parseFields(FlatSchema, json, where));
  return null;
}

function partOf(c: v.InferOutput<typeof FlatSchema>, own: Partial<VitConfig> = {}): EncoderPart<VitConfig> {
  return {
    imageSize: c.image_size,
    stride: c.patch_size,
    encoder: {
      ...VIT_DEFAULTS,
      hiddenSize: c.hidden_size,
      numHiddenLayers: c.num_hidden_layers,
      numAttentionHeads: c.num_attention_heads,
      mlpDim: c.mlp_dim,
      windowSize: c.window_size,
      globalAttnIndexes: c.global_attn_indexes,
      ...own,
    },
  };
}

/** The sizes of ViT-B, -L and -H and others of that family, whose original checkpoints come without a config. */
export function inferVitConfig(shapes: ShapeReader): EncoderPart<VitConfig> {
  const patch = 'image_encoder.patch_embed.proj.weight';
  const table = (i: number) => `image_encoder.blocks.${i}.attn.rel_pos_h`;
  const [hiddenSize, stride] = [shapes.axis(patch, 0), shapes.axis(patch, 3)];
  const grid = shapes.axis('image_encoder.pos_embed', 1);
  const globalRows = 2 * grid - 1;
  const numHiddenLayers = shapes.count(/^image_encoder\.blocks\.(\d+)\./);
  const useRelPos = shapes.has(table(0));
  const tableRows = Array.from({ length: numHiddenLayers }, (_, i) =>
    useRelPos ? shapes.axis(table(i), 0) : globalRows,
  );
  const windowed = tableRows.find((rows) => rows !== globalRows);
  return {
    imageSize: grid * stride,
    stride,
    encoder: {
      kind: 'vit',
      hiddenSize,
      numHiddenLayers,
      numAttentionHeads: useRelPos
        ? hiddenSize / shapes.axis(table(0), 1)
        : (HEADS_BY_WIDTH[hiddenSize] ?? 12),
      mlpDim: shapes.axis('image_encoder.blocks.0.mlp.lin1.weight', 0),
      windowSize: windowed === undefined ? 0 : (windowed + 1) / 2,
      globalAttnIndexes: tableRows.flatMap((rows, i) => (rows === globalRows ? [i] : [])),
      qkvBias: shapes.has('image_encoder.blocks.0.attn.qkv.bias'),
      useAbsPos: true,
      useRelPos,
    },
  };
}

/** Sizes that do not fit each other. */
export function vitContradictions({ imageSize, stride, encoder }: VitSam): string[] {
  const { hiddenSize, numHiddenLayers, numAttentionHeads, globalAttnIndexes } = encoder;
  const rules: readonly (readonly [holds: boolean, message: string])[] = [
    [imageSize % stride === 0, `image_size ${imageSize} is no multiple of patch_size ${stride}`],
    [
      hiddenSize % numAttentionHeads === 0,
      `hidden_size ${hiddenSize} is no multiple of num_attention_heads ${numAttentionHeads}`,
    ],
    [
      globalAttnIndexes.every((index) => index < numHiddenLayers),
      `global_attn_indexes ${globalAttnIndexes.join(', ')} go beyond num_hidden_layers ${numHiddenLayers}`,
    ],
  ];
  return rules.flatMap(([holds, message]) => (holds ? [] : [message]));
}
