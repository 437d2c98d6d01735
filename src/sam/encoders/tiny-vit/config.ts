import * as v from 'valibot';
import { type EncoderConfig, gridOf, type SamConfig } from '../../../config/sam.ts';
import { count, parseFields } from '../../checkpoint/config-fields.ts';
import type { ShapeReader } from '../../checkpoint/shape-reader.ts';
import type { ToldConfig } from '../../checkpoint/told-config.ts';
import type { EncoderSite } from '../../site.ts';
import type { EncoderPart } from '../encoder.ts';

/**
 * TinyViT (arXiv 2207.10666) as the image encoder of a SAM: MobileSAM, micro-sam's `vit_t`, LiteMedSAM. The first stage
 * convolves, the others attend in windows. Every stage but the last two is followed by a merge to half the grid; the
 * merge before the last stage keeps it.
 */
export interface TinyVitConfig extends EncoderConfig {
  readonly kind: 'tiny-vit';
  /** Side of the kernels of the stem's two convolutions: 3 with stride 2 (MobileSAM), or 1 on the pixels (LiteMedSAM). */
  readonly stemKernel: 1 | 3;
  /** Width of every stage. */
  readonly widths: readonly number[];
  /** Blocks of every stage. */
  readonly depths: readonly number[];
  /** Heads of every stage; that of the first is not used. */
  readonly heads: readonly number[];
  /** Side of the windows of every stage in tokens; that of the first is not used. */
  readonly windows: readonly number[];
  /** Width of the MLP's hidden layer, in widths of the stage. */
  readonly mlpRatio: number;
  /** Width to which the first stage's blocks expand, in widths of the stage. */
  readonly expandRatio: number;
}

/** A SAM with this encoder. */
export type TinyVitSam = SamConfig<TinyVitConfig>;

/** Of the blocks' LayerNorms and of batch norm: PyTorch's own, which TinyViT never changes. */
export const TINY_VIT_EPS = 1e-5;

/** Cells on a side of the embedding of every published SAM; no shape tells how large the images were. */
const PUBLISHED_GRID = 64;

/** Published ones have four stages, and windows of at most 14 tokens; a file that claims far more is no TinyViT. */
const MOST_STAGES = 8;
const MOST_WINDOW = 32;

const ROOT = 'image_encoder';
/** Kernel [out, in, k, k] of the stem's first and second convolution. */
export const STEM = [`${ROOT}.patch_embed.seq.0`, `${ROOT}.patch_embed.seq.2`] as const;

const counts = v.pipe(v.array(count), v.minLength(2), v.maxLength(MOST_STAGES));
const ratio = v.pipe(v.number(), v.gtValue(0));

const Schema = v.object({
  image_size: count,
  stem_kernel: v.picklist([1, 3]),
  embed_dims: counts,
  depths: counts,
  num_heads: counts,
  window_sizes: counts,
  mlp_ratio: v.optional(ratio, 4),
  mbconv_expand_ratio: v.optional(ratio, 4),
});

/** What a stage's tensors begin with. */
export function stageName(stage: number): string {
  return `${ROOT}.layers.${stage}`;
}

/** Pixels of the side of a token of the first stage. */
function stemStride(kernel: 1 | 3): number {
  return kernel === 3 ? 4 : 1;
}

/** Whether the merge after a stage keeps the grid: that before the last stage does. */
export function mergeStride(stage: number, { widths }: Pick<TinyVitConfig, 'widths'>): 1 | 2 {
  return stage === widths.length - 2 ? 1 : 2;
}

/** Pixels of the side of a token of a stage. */
function strideOf(stage: number, { stemKernel, widths }: TinyVitConfig): number {
  const merges = Array.from({ length: stage }, (_, i) => mergeStride(i, { widths }));
  return merges.reduce<number>((stride, by) => stride * by, stemStride(stemKernel));
}

/** Width of the hidden layer of a stage's MLP, or of the expansion in the first stage. */
export function hiddenWidth(stage: number, { widths, mlpRatio, expandRatio }: TinyVitConfig): number {
  return Math.floor((widths[stage] ?? 0) * (stage === 0 ? expandRatio : mlpRatio));
}

/** The attention blocks: all but those of the first stage. */
export function tinyVitSites(config: TinyVitSam): EncoderSite[] {
  const { encoder } = config;
  let index = 0;
  return encoder.depths.flatMap((depth, stage) => {
    if (stage === 0) return [];
    const side = config.imageSize / strideOf(stage, encoder);
    const window = encoder.windows[stage] ?? 0;
    return Array.from({ length: depth }, (_, i) => ({
      index: index++,
      name: `${stageName(stage)}.blocks.${i}`,
      width: encoder.widths[stage] ?? 0,
      attentionWidth: encoder.widths[stage] ?? 0,
      mlpWidth: hiddenWidth(stage, encoder),
      heads: encoder.heads[stage] ?? 0,
      grid: [side, side] as const,
      window,
      fillsWithBias: side % window !== 0,
      qkvBias: true,
      useRelPos: false,
      layerNormEps: TINY_VIT_EPS,
    }));
  });
}

/** The stage of a site, by its name. */
export function stageOf({ name }: EncoderSite): number {
  return Number(name.slice(`${ROOT}.layers.`.length).split('.')[0]);
}

/** Reads the flat form with the names of TinyViT's own arguments (`embed_dims`, `depths`, `num_heads`, `window_sizes`). */
export function parseTinyVitConfig(json: unknown, where: string): EncoderPart<TinyVitConfig> | null {
  if (typeof json !== 'object' || json === null || !('embed_dims' in json)) return null;
  const c = parseFields(Schema, json, where);
  const encoder: TinyVitConfig = {
    kind: 'tiny-vit',
    stemKernel: c.stem_kernel,
    widths: c.embed_dims,
    depths: c.depths,
    heads: c.num_heads,
    windows: c.window_sizes,
    mlpRatio: c.mlp_ratio,
    expandRatio: c.mbconv_expand_ratio,
  };
  return { imageSize: c.image_size, stride: strideOf(encoder.widths.length - 1, encoder), encoder };
}

/** Everything but the size of the images, which no shape tells: said, or that of {@link PUBLISHED_GRID}. */
export function inferTinyVitConfig(shapes: ShapeReader, told: ToldConfig): EncoderPart<TinyVitConfig> {
  const stages = shapes.count(/^image_encoder\.layers\.(\d+)\./);
  if (stages > MOST_STAGES)
    throw shapes.misfit(
      `${STEM[0]}.c.weight`,
      `Behind it are ${stages} stages and not up to ${MOST_STAGES}.`,
    );
  const stage = <T>(of: (stage: number) => T) => Array.from({ length: stages }, (_, i) => of(i));
  const block = (i: number) => `${stageName(i)}.blocks.0`;
  // The first stage has no attention, and its entries of the two lists are not used.
  const biases = (i: number, axis: number) =>
    shapes.axis(`${block(Math.max(i, 1))}.attn.attention_biases`, axis);
  const first = shapes.axis(`${STEM[1]}.c.weight`, 0);
  const encoder: TinyVitConfig = {
    kind: 'tiny-vit',
    stemKernel: told.decided(shapes.axis(`${STEM[0]}.c.weight`, 3) === 1 ? 1 : 3, 'stem_kernel'),
    widths: told.decided(
      stage((i) => (i === 0 ? first : shapes.axis(`${block(i)}.attn.proj.weight`, 0))),
      'embed_dims',
    ),
    depths: told.decided(
      stage((i) => shapes.count(new RegExp(`^image_encoder\\.layers\\.${i}\\.blocks\\.(\\d+)\\.`))),
      'depths',
    ),
    heads: stage((i) => biases(i, 0)),
    windows: stage((i) => sideOf(biases(i, 1), i, shapes)),
    mlpRatio: told.decided(
      shapes.axis(`${block(1)}.mlp.fc1.weight`, 0) / shapes.axis(`${block(1)}.attn.proj.weight`, 0),
      'mlp_ratio',
    ),
    expandRatio: told.decided(shapes.axis(`${block(0)}.conv1.c.weight`, 0) / first, 'mbconv_expand_ratio'),
  };
  const stride = strideOf(stages - 1, encoder);
  return { imageSize: told.value(count, 'image_size') ?? usualSize(stride, told), stride, encoder };
}

/** Side of a square window by the number of its biases. */
function sideOf(biases: number, stage: number, shapes: ShapeReader): number {
  const side = Math.sqrt(biases);
  if (Number.isInteger(side)) return side;
  const name = `${stageName(stage)}.blocks.0.attn.attention_biases`;
  throw shapes.misfit(name, `Its ${biases} biases are not those of a square window.`);
}

function usualSize(stride: number, told: ToldConfig): number {
  const size = PUBLISHED_GRID * stride;
  told.assume(
    `images are taken to be ${size} pixels wide, as for every published SAM with such a TinyViT; no shape tells it.`,
    {
      cure: 'If the model was trained at another size, open it with a config.json that says it (image_size).',
    },
  );
  return size;
}

/** Sizes that do not fit each other. */
export function tinyVitContradictions(config: TinyVitSam): string[] {
  const { imageSize, stride, encoder } = config;
  const { widths, depths, heads, windows } = encoder;
  const rules: readonly (readonly [holds: boolean, message: string])[] = [
    [
      [depths, heads, windows].every(({ length }) => length === widths.length),
      `embed_dims has ${widths.length} stages, depths ${depths.length}, num_heads ${heads.length} and window_sizes ${windows.length}`,
    ],
    [Number.isInteger(gridOf(config)), `image_size ${imageSize} is no multiple of the stride ${stride}`],
    [
      windows.every((window) => window <= MOST_WINDOW),
      `window_sizes ${windows.join(', ')} go beyond ${MOST_WINDOW} tokens`,
    ],
    [
      widths.every((width, i) => i === 0 || width % (heads[i] ?? 1) === 0),
      `embed_dims ${widths.join(', ')} are no multiples of num_heads ${heads.join(', ')}`,
    ],
  ];
  return rules.flatMap(([holds, message]) => (holds ? [] : [message]));
}
