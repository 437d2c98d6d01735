import * as v from 'valibot';
import { Failure } from '../../../config/failure.ts';
import { isRecord } from '../../../config/is-record.ts';
import { type EncoderConfig, gridOf, type SamConfig } from '../../../config/sam.ts';
import { count, parseFields } from '../../checkpoint/config-fields.ts';
import type { ShapeReader } from '../../checkpoint/shape-reader.ts';
import type { ToldConfig } from '../../checkpoint/told-config.ts';
import type { EncoderSite } from '../../site.ts';
import type { EncoderPart } from '../encoder.ts';

/**
 * Hiera (arXiv 2306.00989) with the pyramid of SAM 2 (arXiv 2408.00714) as image encoder. Its four stages have 4, 8, 16 and 32 pixels
 * to a token; the first block of each but the first goes to the stage's width and to half the grid. The embedding has the third's
 * grid.
 */
export interface HieraConfig extends EncoderConfig {
  readonly kind: 'hiera';
  /** Width of every stage. */
  readonly widths: readonly number[];
  /** Blocks of every stage. */
  readonly depths: readonly number[];
  /** Heads of every stage. */
  readonly heads: readonly number[];
  /** Side of the windows of every stage in tokens. A stage's first block has those of the stage before. */
  readonly windows: readonly number[];
  /** Numbers of the blocks without windows, of all blocks. */
  readonly globalBlocks: readonly number[];
  /** Cells of the table of positions that is stretched over the image. */
  readonly background: readonly [height: number, width: number];
  /** Width of the MLP's hidden layer, in widths of the stage. */
  readonly mlpRatio: number;
}

/** A SAM 2. */
export type HieraSam = SamConfig<HieraConfig>;

/** A block of the encoder. */
export interface HieraBlock {
  readonly number: number;
  readonly name: string;
  readonly stage: number;
  /** Width of what it reads, and of what it gives. */
  readonly from: number;
  readonly width: number;
  readonly heads: number;
  /** Side of the windows of what it reads; 0: global. */
  readonly window: number;
}

const STAGES = 4;
/** Pixels of the side of a token of the first stage. */
export const STEM_STRIDE = 4;
/** The stage whose grid the embedding has. */
const EMBEDDING_STAGE = 2;
const STRIDE = STEM_STRIDE * 2 ** EMBEDDING_STAGE;
/** Pixels of the side of a token of the last stage. */
const LAST_STRIDE = STEM_STRIDE * 2 ** (STAGES - 1);
const MOST_WINDOW = 64;
const MLP_RATIO = 4;
/** Side of the image of every published SAM 2. */
const PUBLISHED_SIZE = 1024;

const TRUNK = 'image_encoder.trunk';
export const PATCH_EMBED = `${TRUNK}.patch_embed.proj`;
export const POS_EMBED = `${TRUNK}.pos_embed`;
export const POS_EMBED_WINDOW = `${TRUNK}.pos_embed_window`;
const blockName = (number: number) => `${TRUNK}.blocks.${number}`;

/** What no shape tells of the published ones, by the first width and the depths: heads of the first stage, windows, global blocks. */
const PUBLISHED: Readonly<Record<string, Pick<HieraConfig, 'windows' | 'globalBlocks'> & { heads: number }>> =
  {
    '96: 1, 2, 7, 2': { heads: 1, windows: [8, 4, 14, 7], globalBlocks: [5, 7, 9] },
    '96: 1, 2, 11, 2': { heads: 1, windows: [8, 4, 14, 7], globalBlocks: [7, 10, 13] },
    '112: 2, 3, 16, 3': { heads: 2, windows: [8, 4, 14, 7], globalBlocks: [12, 16, 20] },
    '144: 2, 6, 36, 4': { heads: 2, windows: [8, 4, 16, 8], globalBlocks: [23, 33, 43] },
  };

const perStage = v.tuple([count, count, count, count]);
const blockNumbers = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));
const pair = v.tuple([count, count]);
/** Hugging Face has one number for a square, or both sides. */
const side = v.pipe(
  v.union([count, pair]),
  v.check((size) => typeof size === 'number' || size[0] === size[1], 'Only square images are known'),
  v.transform((size) => (typeof size === 'number' ? size : size[0])),
);

/** The fields of Hugging Face's `backbone_config`, with its own defaults, which are those of the smallest. */
const FIELDS = {
  image_size: v.optional(side, PUBLISHED_SIZE),
  embed_dim_per_stage: v.optional(perStage, [96, 192, 384, 768]),
  blocks_per_stage: v.optional(perStage, [1, 2, 7, 2]),
  num_attention_heads_per_stage: v.optional(perStage, [1, 2, 4, 8]),
  window_size_per_stage: v.optional(perStage, [8, 4, 14, 7]),
  global_attention_blocks: v.optional(blockNumbers, [5, 7, 9]),
  window_positional_embedding_background_size: v.optional(pair, [7, 7]),
  mlp_ratio: v.optional(v.pipe(v.number(), v.gtValue(0)), MLP_RATIO),
};
const FlatSchema = v.object(FIELDS);
const HfSchema = v.object({ vision_config: v.object({ backbone_config: v.optional(FlatSchema, {}) }) });

/** The blocks in the order in which the image passes them. */
export function hieraBlocks({ encoder }: HieraSam): HieraBlock[] {
  const { widths, depths, heads, windows, globalBlocks } = encoder;
  const blocks: HieraBlock[] = [];
  depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++) {
      const number = blocks.length;
      const before = i === 0 && stage > 0 ? stage - 1 : stage;
      blocks.push({
        number,
        name: blockName(number),
        stage,
        from: widths[before] ?? 0,
        width: widths[stage] ?? 0,
        heads: heads[stage] ?? 0,
        window: globalBlocks.includes(number) ? 0 : (windows[before] ?? 0),
      });
    }
  });
  return blocks;
}

/** Whether a block goes to another width and to half the grid. */
function isTransition({ from, width }: HieraBlock): boolean {
  return from !== width;
}

/** Width of the hidden layer of a block's MLP. */
export function hiddenWidth({ width }: HieraBlock, { encoder }: HieraSam): number {
  return Math.floor(width * encoder.mlpRatio);
}

/** Tokens on a side of a stage's grid. */
export function stageGrid(stage: number, { imageSize }: HieraSam): number {
  return imageSize / (STEM_STRIDE * 2 ** stage);
}

/** All blocks but those that change the width. */
export function hieraSites(config: HieraSam): EncoderSite[] {
  return hieraBlocks(config)
    .filter((block) => !isTransition(block))
    .map((block, index) => ({
      index,
      name: block.name,
      width: block.width,
      attentionWidth: block.width,
      mlpWidth: hiddenWidth(block, config),
      heads: block.heads,
      grid: [stageGrid(block.stage, config), stageGrid(block.stage, config)],
      window: block.window,
      qkvBias: true,
      useRelPos: false,
      layerNormEps: config.layerNormEps,
    }));
}

/** {@link hieraSites} by the names of their blocks. */
export function sitesByName(config: HieraSam): ReadonlyMap<string, EncoderSite> {
  return new Map(hieraSites(config).map((site) => [site.name, site]));
}

/** Reads Hugging Face's form, or the flat one with the same names. */
export function parseHieraConfig(json: unknown, where: string): EncoderPart<HieraConfig> | null {
  const record = isRecord(json) ? json : {};
  if ('embed_dim_per_stage' in record) return partOf(parseFields(FlatSchema, json, where));
  const { model_type: type, vision_config: vision } = record;
  const isHf = isRecord(vision) && ('backbone_config' in vision || /^sam2/.test(String(type)));
  return isHf ? partOf(parseFields(HfSchema, json, where).vision_config.backbone_config) : null;
}

function partOf(c: v.InferOutput<typeof FlatSchema>): EncoderPart<HieraConfig> {
  return {
    imageSize: c.image_size,
    stride: STRIDE,
    encoder: {
      kind: 'hiera',
      widths: c.embed_dim_per_stage,
      depths: c.blocks_per_stage,
      heads: c.num_attention_heads_per_stage,
      windows: c.window_size_per_stage,
      globalBlocks: c.global_attention_blocks,
      background: c.window_positional_embedding_background_size,
      mlpRatio: c.mlp_ratio,
    },
  };
}

/** `vision_config` of a Sam2Model. */
export function hieraHfConfig(config: HieraSam): Readonly<Record<string, unknown>> {
  const { imageSize, outputChannels, layerNormEps, encoder } = config;
  const grid = gridOf(config);
  const levels = [4, 2, 1].map((times) => [times * grid, times * grid]);
  return {
    backbone_config: {
      model_type: 'sam2_hiera_det_model',
      hidden_size: encoder.widths[0],
      num_attention_heads: encoder.heads[0],
      image_size: [imageSize, imageSize],
      embed_dim_per_stage: encoder.widths,
      blocks_per_stage: encoder.depths,
      num_attention_heads_per_stage: encoder.heads,
      window_size_per_stage: encoder.windows,
      global_attention_blocks: encoder.globalBlocks,
      window_positional_embedding_background_size: encoder.background,
      // Hugging Face takes no 4 for its own 4.0, which JSON cannot tell apart.
      ...(encoder.mlpRatio !== MLP_RATIO && { mlp_ratio: encoder.mlpRatio }),
      layer_norm_eps: layerNormEps,
    },
    backbone_channel_list: encoder.widths.toReversed(),
    backbone_feature_sizes: levels,
    fpn_hidden_size: outputChannels,
    // Hugging Face's own default, which transformers.js does not know.
    num_feature_levels: levels.length,
    layer_norm_eps: layerNormEps,
  };
}

/** The paths of a field in Hugging Face's form, and in the flat one. */
const paths = (field: string) => [`vision_config.backbone_config.${field}`, field] as const;

/**
 * Widths and depths as the shapes tell. No shape tells heads, windows, global blocks and the size of the images: they are said, or
 * those of the published ones. @throws Failure `config/hiera-sizes` where neither is so.
 */
export function inferHieraConfig(shapes: ShapeReader, told: ToldConfig): EncoderPart<HieraConfig> {
  const blocks = shapes.count(/^image_encoder\.trunk\.blocks\.(\d+)\./);
  const starts = Array.from({ length: blocks }, (_, i) => i).filter(
    (i) => i === 0 || shapes.has(`${blockName(i)}.proj.weight`),
  );
  if (starts.length !== STAGES)
    throw shapes.misfit(
      `${blockName(0)}.attn.qkv.weight`,
      `Behind it are ${starts.length} stages and not 4.`,
    );
  const widths = told.decided(
    starts.map((i) => shapes.axis(`${blockName(i)}.attn.proj.weight`, 0)),
    ...paths('embed_dim_per_stage'),
  );
  const depths = told.decided(
    starts.map((start, stage) => (starts[stage + 1] ?? blocks) - start),
    ...paths('blocks_per_stage'),
  );
  const ratio = shapes.axis(`${blockName(0)}.mlp.lin1.weight`, 0) / (widths[0] ?? 1);
  return {
    imageSize: told.value(side, ...paths('image_size')) ?? usualSize(told),
    stride: STRIDE,
    encoder: {
      kind: 'hiera',
      widths,
      depths,
      ...untold(`${widths[0]}: ${depths.join(', ')}`, shapes, told),
      background: told.decided(
        [shapes.axis(POS_EMBED, 2), shapes.axis(POS_EMBED, 3)] as const,
        ...paths('window_positional_embedding_background_size'),
      ),
      mlpRatio: told.decided(ratio, ...paths('mlp_ratio')),
    },
  };
}

/** What no shape tells. @param sizes as {@link PUBLISHED} names them. */
function untold(
  sizes: string,
  shapes: ShapeReader,
  told: ToldConfig,
): Pick<HieraConfig, 'heads' | 'windows' | 'globalBlocks'> {
  const known = PUBLISHED[sizes];
  const heads =
    told.value(perStage, ...paths('num_attention_heads_per_stage')) ??
    (known && [1, 2, 4, 8].map((times) => times * known.heads));
  const windows = told.value(perStage, ...paths('window_size_per_stage')) ?? known?.windows;
  const globalBlocks = told.value(blockNumbers, ...paths('global_attention_blocks')) ?? known?.globalBlocks;
  if (heads && windows && globalBlocks) return { heads, windows, globalBlocks };
  throw new Failure({
    code: 'config/hiera-sizes',
    what: `${told.gap()} the heads, windows and global blocks of its image encoder (Hiera, of width and depths ${sizes}) are not known, since no shape tells them and no published SAM 2 has its sizes.`,
    where: shapes.file,
    cure: 'Open the weights with their config.json, in the form of Hugging Face’s Sam2Model.',
  });
}

function usualSize(told: ToldConfig): number {
  told.assume(
    `images are taken to be ${PUBLISHED_SIZE} pixels wide, as for every published SAM 2; no shape tells it.`,
    {
      cure: 'If the model was trained at another size, open it with a config.json that says it (image_size).',
    },
  );
  return PUBLISHED_SIZE;
}

/** Sizes that do not fit each other. */
export function hieraContradictions(config: HieraSam): string[] {
  const { imageSize, encoder } = config;
  const { widths, heads, windows, globalBlocks } = encoder;
  const blocks = hieraBlocks(config);
  const first = windows[0] ?? 1;
  const rules: readonly (readonly [holds: boolean, message: string])[] = [
    [imageSize % LAST_STRIDE === 0, `image_size ${imageSize} is no multiple of ${LAST_STRIDE}`],
    [
      imageSize % (STEM_STRIDE * first) === 0,
      `image_size ${imageSize} is no multiple of ${STEM_STRIDE} times the first window, ${first}`,
    ],
    [
      windows.every((window) => window <= MOST_WINDOW),
      `window_size_per_stage ${windows.join(', ')} go beyond ${MOST_WINDOW} tokens`,
    ],
    [
      blocks.every((block) => !isTransition(block) || (block.window > 0 && block.window % 2 === 0)),
      `the first block of a stage halves its windows, and window_size_per_stage ${windows.join(', ')} with global_attention_blocks ${globalBlocks.join(', ')} does not let it`,
    ],
    [
      widths.every((width, i) => i === 0 || width !== widths[i - 1]),
      `embed_dim_per_stage ${widths.join(', ')} has neighbours that are equal`,
    ],
    [
      widths.every((width, i) => width % (heads[i] ?? 1) === 0),
      `embed_dim_per_stage ${widths.join(', ')} are no multiples of num_attention_heads_per_stage ${heads.join(', ')}`,
    ],
    [
      globalBlocks.every((number) => number < blocks.length),
      `global_attention_blocks ${globalBlocks.join(', ')} go beyond the ${blocks.length} blocks`,
    ],
  ];
  return rules.flatMap(([holds, message]) => (holds ? [] : [message]));
}
