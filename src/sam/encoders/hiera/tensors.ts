import { axis, type Shape } from '../../../graph/shape.ts';
import { addBlock, prepareBlockTensor } from '../../checkpoint/block-tensors.ts';
import { addConv, addLinear, addNorm, type ShapeMap } from '../../checkpoint/layer-shapes.ts';
import type { HostTensor } from '../../checkpoint/tensor-file.ts';
import type { HfName, PreparedTensor } from '../encoder.ts';
import {
  type HieraSam,
  hiddenWidth,
  hieraBlocks,
  PATCH_EMBED,
  POS_EMBED,
  POS_EMBED_WINDOW,
  STEM_STRIDE,
  sitesByName,
  stageGrid,
} from './config.ts';

const NECK = 'image_encoder.neck';
/** The 1 × 1 convolution of each stage to the embedding's width; SAM 2 numbers them from the last stage. */
const lateral = (stage: number) => `${NECK}.convs.${3 - stage}.conv`;
/** SAM 2's decoder has these, which bring the two finer levels of the pyramid to its widths; they see the image alone. */
const narrowing = (stage: 0 | 1) => `${NECK}.conv_s${stage}`;
/** What SAM 2 adds to the embedding of an image that no other came before. */
const NO_MEMORY = 'image_encoder.no_mem_embed';

/** As the engine has them: {@link narrowing} after {@link lateral} in one, of stages 0 and 1. */
export const FINER = [`${NECK}.finer0`, `${NECK}.finer1`] as const;
/** The third stage's, with all that is added to every cell of the embedding in its bias. */
export const EMBEDDING = `${NECK}.embedding`;
/** The last stage's, each cell for the 2 × 2 of the embedding that it stands for: a transposed convolution with four equal taps. */
export const COARSER = `${NECK}.coarser`;

/** Side of the patch embedding's kernel in a checkpoint, and as the engine has it: two strides, which begin a pixel earlier. */
const KERNEL = 7;
export const ENGINE_KERNEL = 2 * STEM_STRIDE;

/** Hugging Face's names (`Sam2Model` of transformers 5.24), where they are not those of a SamModel. */
export const HIERA_HF_NAMES: readonly HfName[] = [
  ['vision_encoder.backbone.patch_embed.projection.', `${PATCH_EMBED}.`],
  ['vision_encoder.backbone.pos_embed', POS_EMBED],
  ['vision_encoder.backbone.pos_embed_window', POS_EMBED_WINDOW],
  ['vision_encoder.backbone.blocks.#.layer_norm#.', 'image_encoder.trunk.blocks.#.norm#.'],
  ['vision_encoder.backbone.blocks.#.mlp.proj_in.', 'image_encoder.trunk.blocks.#.mlp.lin1.'],
  ['vision_encoder.backbone.blocks.#.mlp.proj_out.', 'image_encoder.trunk.blocks.#.mlp.lin2.'],
  ['vision_encoder.backbone.blocks.#.', 'image_encoder.trunk.blocks.#.'],
  ['vision_encoder.neck.convs.#.', `${NECK}.convs.#.conv.`],
  ['mask_decoder.conv_s0.', `${narrowing(0)}.`],
  ['mask_decoder.conv_s1.', `${narrowing(1)}.`],
  ['mask_decoder.transformer.layers.#.mlp.proj_in.', 'mask_decoder.transformer.layers.#.mlp.lin1.'],
  ['mask_decoder.transformer.layers.#.mlp.proj_out.', 'mask_decoder.transformer.layers.#.mlp.lin2.'],
  ...['self_attn', 'cross_attn_token_to_image', 'cross_attn_image_to_token'].map(
    (part): HfName => [
      `mask_decoder.transformer.layers.#.${part}.o_proj.`,
      `mask_decoder.transformer.layers.#.${part}.out_proj.`,
    ],
  ),
  [
    'mask_decoder.transformer.final_attn_token_to_image.o_proj.',
    'mask_decoder.transformer.final_attn_token_to_image.out_proj.',
  ],
  ['no_memory_embedding', NO_MEMORY],
];

/** The names in SAM 2's own files, where they are not those of the first SAM. */
export const SAM2_NAMES: readonly HfName[] = [
  ['image_encoder.trunk.blocks.#.mlp.layers.0.', 'image_encoder.trunk.blocks.#.mlp.lin1.'],
  ['image_encoder.trunk.blocks.#.mlp.layers.1.', 'image_encoder.trunk.blocks.#.mlp.lin2.'],
  ['sam_mask_decoder.conv_s0.', `${narrowing(0)}.`],
  ['sam_mask_decoder.conv_s1.', `${narrowing(1)}.`],
  ['sam_mask_decoder.transformer.layers.#.mlp.layers.0.', 'mask_decoder.transformer.layers.#.mlp.lin1.'],
  ['sam_mask_decoder.transformer.layers.#.mlp.layers.1.', 'mask_decoder.transformer.layers.#.mlp.lin2.'],
  ['sam_mask_decoder.', 'mask_decoder.'],
  ['sam_prompt_encoder.', 'prompt_encoder.'],
  ['no_mem_embed', NO_MEMORY],
];

/** Every tensor by its name here, with its shape in a checkpoint. */
export function hieraShapes(config: HieraSam): ShapeMap {
  const { outputChannels: D, encoder } = config;
  const { widths, windows, background } = encoder;
  const [first = 0] = widths;
  const shapes: ShapeMap = new Map();
  addConv(shapes, PATCH_EMBED, [first, 3, KERNEL, KERNEL], first);
  shapes.set(POS_EMBED, [1, first, ...background]);
  shapes.set(POS_EMBED_WINDOW, [1, first, windows[0] ?? 0, windows[0] ?? 0]);
  const sites = sitesByName(config);
  for (const block of hieraBlocks(config)) {
    const { name, from, width } = block;
    const site = sites.get(name);
    if (site) {
      addBlock(shapes, site);
      continue;
    }
    addNorm(shapes, `${name}.norm1`, from);
    addLinear(shapes, `${name}.attn.qkv`, from, 3 * width);
    addLinear(shapes, `${name}.attn.proj`, width, width);
    addNorm(shapes, `${name}.norm2`, width);
    addLinear(shapes, `${name}.mlp.lin1`, width, hiddenWidth(block, config));
    addLinear(shapes, `${name}.mlp.lin2`, hiddenWidth(block, config), width);
    addLinear(shapes, `${name}.proj`, from, width);
  }
  widths.forEach((width, stage) => {
    addConv(shapes, lateral(stage), [D, width, 1, 1], D);
  });
  addConv(shapes, narrowing(0), [D / 8, D, 1, 1], D / 8);
  addConv(shapes, narrowing(1), [D / 4, D, 1, 1], D / 4);
  shapes.set(NO_MEMORY, [1, 1, D]);
  return shapes;
}

/**
 * A tensor as the engine holds it: `qkv` becomes `q`, `k` and `v`; the two tables of positions become one over the first grid; the
 * patch embedding's kernel gets a first row and column of zeros; and convolutions that follow each other become one.
 */
export function prepareHieraTensor(config: HieraSam, name: string, shape: Shape): readonly PreparedTensor[] {
  const [first = 0, second = 0, , last = 0] = config.encoder.widths;
  const D = config.outputChannels;
  switch (name) {
    case POS_EMBED:
      return [positions(config)];
    case `${PATCH_EMBED}.weight`:
      return [
        {
          name,
          shape: [axis(shape, 0), 3, ENGINE_KERNEL, ENGINE_KERNEL],
          values: ({ data }) => widerKernel(data),
        },
      ];
    case `${narrowing(0)}.weight`:
      return joined(0, first, axis(shape, 0), D);
    case `${narrowing(1)}.weight`:
      return joined(1, second, axis(shape, 0), D);
    case `${lateral(2)}.weight`:
      return [{ name: `${EMBEDDING}.weight`, shape, values: ({ data }) => data }];
    case `${lateral(2)}.bias`:
      return [
        {
          name: `${EMBEDDING}.bias`,
          shape,
          others: [`${lateral(3)}.bias`, NO_MEMORY],
          values: ({ data }, others) =>
            others.reduce((sum, other) => sum.map((value, i) => value + (other.data[i] ?? 0)), data),
        },
      ];
    case `${lateral(3)}.weight`:
      return [{ name: `${COARSER}.weight`, shape: [last, D, 2, 2], values: (tensor) => fourTaps(tensor) }];
    case POS_EMBED_WINDOW:
    case NO_MEMORY:
      return [];
    default:
      return name.startsWith(`${NECK}.`) ? [] : prepareBlockTensor(name, shape);
  }
}

/** Kernels [.., 7, 7] as [.., 8, 8], whose first row and column are zero. */
function widerKernel(data: Float32Array): Float32Array {
  const planes = data.length / (KERNEL * KERNEL);
  const wider = new Float32Array(planes * ENGINE_KERNEL * ENGINE_KERNEL);
  for (let row = 0; row < planes * KERNEL; row++) {
    const to = (row + Math.floor(row / KERNEL) + 1) * ENGINE_KERNEL + 1;
    wider.set(data.subarray(row * KERNEL, (row + 1) * KERNEL), to);
  }
  return wider;
}

/** A stage's features straight to the decoder's width: W · W′ and W · b′ + b, of `narrowing` after `lateral`. */
function joined(stage: 0 | 1, from: number, out: number, D: number): readonly PreparedTensor[] {
  const product = (weight: Float32Array, column: (k: number, i: number) => number, width: number) => {
    const values = new Float32Array(out * width);
    for (let o = 0; o < out; o++)
      for (let i = 0; i < width; i++) {
        let sum = 0;
        for (let k = 0; k < D; k++) sum += (weight[o * D + k] ?? 0) * column(k, i);
        values[o * width + i] = sum;
      }
    return values;
  };
  return [
    {
      name: `${FINER[stage]}.weight`,
      shape: [out, from, 1, 1],
      others: [`${lateral(stage)}.weight`],
      values: ({ data }, [wide]) => product(data, (k, i) => wide?.data[k * from + i] ?? 0, from),
    },
    {
      name: `${FINER[stage]}.bias`,
      shape: [out],
      others: [`${lateral(stage)}.bias`, `${narrowing(stage)}.bias`],
      values: ({ data }, [wide, own]) =>
        product(data, (k) => wide?.data[k] ?? 0, 1).map((value, o) => value + (own?.data[o] ?? 0)),
    },
  ];
}

/** A convolution [D, C, 1, 1] as a transposed one [C, D, 2, 2] that gives each of 2 × 2 cells the same. */
function fourTaps({ shape, data }: HostTensor): Float32Array {
  const [D, C] = [axis(shape, 0), axis(shape, 1)];
  return Float32Array.from({ length: 4 * D * C }, (_, i) => {
    const [c, d] = [Math.floor(i / (4 * D)), Math.floor(i / 4) % D];
    return data[d * C + c] ?? 0;
  });
}

/** The table that is stretched over the first grid and the one that is laid out window by window, as one [side, side, C]. */
function positions(config: HieraSam): PreparedTensor {
  const grid = stageGrid(0, config);
  const [C = 0] = config.encoder.widths;
  return {
    name: POS_EMBED,
    shape: [grid, grid, C],
    others: [POS_EMBED_WINDOW],
    values: (background, [window]) => {
      const [height, width] = [axis(background.shape, 2), axis(background.shape, 3)];
      const [rows, columns] = [cubicTaps(height, grid), cubicTaps(width, grid)];
      const tile = window ? axis(window.shape, 2) : 1;
      const out = new Float32Array(grid * grid * C);
      const stretched = new Float64Array(height * grid);
      for (let c = 0; c < C; c++) {
        const plane = background.data.subarray(c * height * width, (c + 1) * height * width);
        for (let y = 0; y < height; y++)
          for (const [x, taps] of columns.entries())
            stretched[y * grid + x] = taps.reduce(
              (sum, [at, share]) => sum + share * (plane[y * width + at] ?? 0),
              0,
            );
        for (const [y, taps] of rows.entries())
          for (let x = 0; x < grid; x++) {
            const sum = taps.reduce((all, [at, share]) => all + share * (stretched[at * grid + x] ?? 0), 0);
            const own = window?.data[(c * tile + (y % tile)) * tile + (x % tile)] ?? 0;
            out[(y * grid + x) * C + c] = sum + own;
          }
      }
      return out;
    },
  };
}

/** PyTorch's cubic convolution (`F.interpolate(mode="bicubic", align_corners=False)`). */
const A = -0.75;

/** Of each of `to` places the four of `from` that it is made of, with their shares; places beyond the ends are the ends. */
function cubicTaps(from: number, to: number): (readonly (readonly [at: number, share: number])[])[] {
  const near = (t: number) => ((A + 2) * t - (A + 3)) * t * t + 1;
  const far = (t: number) => ((A * t - 5 * A) * t + 8 * A) * t - 4 * A;
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const low = Math.floor(at);
    const t = at - low;
    const shares = [far(t + 1), near(t), near(1 - t), far(2 - t)];
    return shares.map((share, k) => [Math.min(from - 1, Math.max(0, low - 1 + k)), share] as const);
  });
}
