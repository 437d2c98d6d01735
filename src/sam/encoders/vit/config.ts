import * as v from 'valibot';
import { Failure } from '../../../config/failure.ts';
import { type EncoderConfig, gridOf, type SamConfig } from '../../../config/sam.ts';
import { count, parseFields } from '../../checkpoint/config-fields.ts';
import type { ShapeReader } from '../../checkpoint/shape-reader.ts';
import { missingTensor } from '../../checkpoint/tensor-file.ts';
import type { ToldConfig } from '../../checkpoint/told-config.ts';
import type { EncoderSite } from '../../site.ts';
import type { EncoderPart } from '../encoder.ts';

/** SAM's own encoder: a ViT of equal blocks, or pruned ones (SlimSAM) that are equal in width only. Its patches are as large as the config's `stride`. */
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
  /** Of a pruned encoder whose blocks differ; absent where all have the sizes above and attention the blocks' width. */
  readonly blockSizes?: readonly VitBlockSizes[];
}

/** What may differ from block to block. */
export interface VitBlockSizes {
  readonly heads: number;
  /** Width of q, k and v. */
  readonly attentionWidth: number;
  readonly mlpDim: number;
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
    attentionWidth: encoder.blockSizes?.[index]?.attentionWidth ?? encoder.hiddenSize,
    mlpWidth: encoder.blockSizes?.[index]?.mlpDim ?? encoder.mlpDim,
    heads: encoder.blockSizes?.[index]?.heads ?? encoder.numAttentionHeads,
    grid: [grid, grid],
    window: encoder.globalAttnIndexes.includes(index) ? 0 : encoder.windowSize,
    qkvBias: encoder.qkvBias,
    useRelPos: encoder.useRelPos,
    layerNormEps: config.layerNormEps,
  }));
}

/** `vision_config` of a SamModel; null for pruned blocks, which differ in size and are not built there. */
export function vitHfConfig(config: VitSam): Readonly<Record<string, unknown>> | null {
  const { encoder } = config;
  if (encoder.blockSizes) return null;
  return {
    hidden_size: encoder.hiddenSize,
    output_channels: config.outputChannels,
    num_hidden_layers: encoder.numHiddenLayers,
    num_attention_heads: encoder.numAttentionHeads,
    num_channels: 3,
    image_size: config.imageSize,
    patch_size: config.stride,
    hidden_act: 'gelu',
    layer_norm_eps: config.layerNormEps,
    qkv_bias: encoder.qkvBias,
    use_abs_pos: encoder.useAbsPos,
    use_rel_pos: encoder.useRelPos,
    window_size: encoder.windowSize,
    global_attn_indexes: encoder.globalAttnIndexes,
    num_pos_feats: config.outputChannels / 2,
    mlp_dim: encoder.mlpDim,
  };
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

const PATCH = 'image_encoder.patch_embed.proj.weight';
const POS_EMBED = 'image_encoder.pos_embed';
const INDEX = /^image_encoder\.blocks\.(\d+)\./;
const qkvOf = (i: number) => `image_encoder.blocks.${i}.attn.qkv.weight`;
const tableOf = (i: number) => `image_encoder.blocks.${i}.attn.rel_pos_h`;
/** The path of a field in Hugging Face's form, and in the flat one. */
const paths = (field: string) => [`vision_config.${field}`, field] as const;

/** The sizes of ViT-B, -L and -H, of SlimSAM's pruned ones, and others of that family. */
export function inferVitConfig(shapes: ShapeReader, told: ToldConfig): EncoderPart<VitConfig> {
  const hiddenSize = told.decided(shapes.axis(PATCH, 0), ...paths('hidden_size'));
  const stride = told.decided(shapes.axis(PATCH, 3), ...paths('patch_size'));
  const numHiddenLayers = told.decided(shapes.count(INDEX), ...paths('num_hidden_layers'));
  const grid = gridSide(shapes, stride, told);
  const imageSize = told.decided(grid * stride, ...paths('image_size'));
  const { useRelPos, blocks } = blockSizes(shapes, numHiddenLayers, hiddenSize, told);
  const first = blocks[0] ?? { heads: 1, attentionWidth: hiddenSize, mlpDim: hiddenSize };
  const isEven = blocks.every(
    (block) =>
      block.heads === first.heads && block.mlpDim === first.mlpDim && block.attentionWidth === hiddenSize,
  );
  if (isEven) {
    told.decided(first.mlpDim, ...paths('mlp_dim'));
    if (useRelPos) told.decided(first.heads, ...paths('num_attention_heads'));
  }
  return {
    imageSize,
    stride,
    encoder: {
      kind: 'vit',
      hiddenSize,
      numHiddenLayers,
      numAttentionHeads: first.heads,
      mlpDim: first.mlpDim,
      ...(useRelPos ? tableWindows(shapes, numHiddenLayers, grid, told) : toldWindows(numHiddenLayers, told)),
      qkvBias: told.decided(shapes.has('image_encoder.blocks.0.attn.qkv.bias'), ...paths('qkv_bias')),
      useAbsPos: told.decided(shapes.has(POS_EMBED), ...paths('use_abs_pos')),
      useRelPos: told.decided(useRelPos, ...paths('use_rel_pos')),
      ...(!isEven && { blockSizes: blocks }),
    },
  };
}

/** The failure for positions in one row, not in a grid. */
function plainVit({ file }: ShapeReader): Failure {
  return new Failure({
    code: 'checkpoint/not-sam',
    what: 'Its image encoder is a plain ViT, as that of EfficientSAM: its positions lie in one row, not in a grid as SAM’s.',
    where: `${file}, tensor ${POS_EMBED}`,
    cure: 'Use a SAM of the first kind, such as facebook/sam-vit-base; small ones that load are MobileSAM and SlimSAM.',
  });
}

/** Tokens along a side of the grid. */
function gridSide(shapes: ShapeReader, stride: number, told: ToldConfig): number {
  if (shapes.has(POS_EMBED)) {
    if (shapes.shape(POS_EMBED).length === 3) throw plainVit(shapes);
    const [height, width] = [shapes.axis(POS_EMBED, 1), shapes.axis(POS_EMBED, 2)];
    if (height === width) return height;
    throw shapes.misfit(POS_EMBED, `Its grid of ${height} × ${width} is no square, and SAM's images are.`);
  }
  const size = told.value(count, ...paths('image_size'));
  if (size !== undefined && size % stride === 0) return size / stride;
  throw missingTensor(POS_EMBED, shapes.file);
}

/** The sizes of every block, each read off its own tensors. */
function blockSizes(shapes: ShapeReader, layers: number, hiddenSize: number, told: ToldConfig) {
  const useRelPos = shapes.has(tableOf(0));
  const toldHeads = useRelPos ? undefined : headsWithoutTables(hiddenSize, told);
  const blocks = Array.from({ length: layers }, (_, i): VitBlockSizes => {
    const attentionWidth = shapes.axis(qkvOf(i), 0) / 3;
    const heads = toldHeads ?? attentionWidth / shapes.axis(tableOf(i), 1);
    if (!Number.isInteger(attentionWidth) || !Number.isInteger(heads) || attentionWidth % heads !== 0) {
      const head = toldHeads === undefined ? `heads of ${shapes.axis(tableOf(i), 1)}` : `${heads} heads`;
      throw shapes.misfit(qkvOf(i), `Its ${3 * attentionWidth} rows are not q, k and v of ${head} each.`);
    }
    const mlpDim = shapes.axis(`image_encoder.blocks.${i}.mlp.lin1.weight`, 0);
    return { heads, attentionWidth, mlpDim };
  });
  return { useRelPos, blocks };
}

/** Heads of a model without tables of relative position, whose width would tell. */
function headsWithoutTables(hiddenSize: number, told: ToldConfig): number {
  const heads = told.value(count, ...paths('num_attention_heads'));
  if (heads !== undefined) return heads;
  const usual = HEADS_BY_WIDTH[hiddenSize] ?? 12;
  told.assume(
    `the encoder is taken to have ${usual} heads, as is usual at its width of ${hiddenSize}; it has no tables of relative position that would tell.`,
    {
      cure: 'If the masks look wrong, open the weights with the config.json that was saved together with them.',
    },
  );
  return usual;
}

type Windows = Pick<VitConfig, 'windowSize' | 'globalAttnIndexes'>;

/** Windows as the tables of relative position tell: one of a window's side has 2 · side − 1 rows, one of the grid's is global. */
function tableWindows(shapes: ShapeReader, layers: number, grid: number, told: ToldConfig): Windows {
  const globalRows = 2 * grid - 1;
  const window = told.hint(windowSize, ...paths('window_size'));
  const globals = told.hint(indexes, ...paths('global_attn_indexes'));
  const sides = Array.from({ length: layers }, (_, i) => {
    const rows = shapes.axis(tableOf(i), 0);
    // A window as large as the grid has a global block's table.
    if (window && globals && !globals.includes(i) && rows === 2 * window - 1) return window;
    return rows < globalRows && rows % 2 === 1 ? (rows + 1) / 2 : 0;
  });
  // SAM has windows of one size: larger ones are global blocks of a model that was trained at another image size.
  const size = Math.min(...sides.filter((side) => side > 0));
  const globalAttnIndexes = sides.flatMap((side, i) => (side === size ? [] : [i]));
  const stretched = globalAttnIndexes.filter((i) => shapes.axis(tableOf(i), 0) !== globalRows);
  if (stretched.length > 0) {
    told.remarks.push({
      code: 'checkpoint/stretched-tables',
      what: `The tables of relative position of block ${stretched.join(', ')} have ${shapes.axis(tableOf(stretched[0] ?? 0), 0)} rows and a grid of ${grid} has ${globalRows}: they are stretched, as SAM does.`,
      cure: 'If the masks look wrong, use the weights at the image size that they were trained at.',
    });
  }
  if (Number.isFinite(size)) told.decided(size, ...paths('window_size'));
  return {
    windowSize: Number.isFinite(size) ? size : 0,
    globalAttnIndexes: told.decided(globalAttnIndexes, ...paths('global_attn_indexes')),
  };
}

/** Windows of a model whose shapes do not tell them. */
function toldWindows(layers: number, told: ToldConfig): Windows {
  const window = told.value(windowSize, ...paths('window_size'));
  const globals = told.value(indexes, ...paths('global_attn_indexes'));
  if (window !== undefined && globals !== undefined)
    return { windowSize: window, globalAttnIndexes: globals };
  const usual = [1, 2, 3, 4].map((quarter) => (quarter * layers) / 4 - 1);
  const isUsual = layers % 4 === 0;
  const taken = {
    windowSize: window ?? (isUsual ? 14 : 0),
    globalAttnIndexes: globals ?? (isUsual ? usual : Array.from({ length: layers }, (_, i) => i)),
  };
  const windows = `in windows of ${taken.windowSize} tokens but in block ${taken.globalAttnIndexes.join(', ')}, as in every published SAM`;
  told.assume(`attention is taken to be ${taken.windowSize > 0 ? windows : 'global in every block'}.`, {
    cure: 'If the masks look wrong, open the weights with the config.json that was saved together with them.',
  });
  return taken;
}

/** Sizes that do not fit each other. */
export function vitContradictions({ imageSize, stride, encoder }: VitSam): string[] {
  const { hiddenSize, numHiddenLayers, numAttentionHeads, globalAttnIndexes, blockSizes } = encoder;
  const rules: readonly (readonly [holds: boolean, message: string])[] = [
    [imageSize % stride === 0, `image_size ${imageSize} is no multiple of patch_size ${stride}`],
    [
      blockSizes !== undefined || hiddenSize % numAttentionHeads === 0,
      `hidden_size ${hiddenSize} is no multiple of num_attention_heads ${numAttentionHeads}`,
    ],
    [
      globalAttnIndexes.every((index) => index < numHiddenLayers),
      `global_attn_indexes ${globalAttnIndexes.join(', ')} go beyond num_hidden_layers ${numHiddenLayers}`,
    ],
  ];
  return rules.flatMap(([holds, message]) => (holds ? [] : [message]));
}
