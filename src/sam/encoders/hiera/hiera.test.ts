import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Failure } from '../../../config/failure.ts';
import { SAM_DEFAULTS, SAM2_PREPROCESSING } from '../../../config/sam.ts';
import { planGraph } from '../../../graph/plan.ts';
import { bytesSource } from '../../checkpoint/byte-source.ts';
import { openCheckpoint } from '../../checkpoint/checkpoint.ts';
import { samTensorShapes } from '../../checkpoint/expected-shapes.ts';
import { inferSamConfig } from '../../checkpoint/infer-config.ts';
import { parseSamConfig } from '../../checkpoint/parse-config.ts';
import { Safetensors } from '../../checkpoint/safetensors.ts';
import { writeSafetensors } from '../../checkpoint/safetensors-write.ts';
import { ShapeReader } from '../../checkpoint/shape-reader.ts';
import type { HostTensor } from '../../checkpoint/tensor-file.ts';
import { ToldConfig } from '../../checkpoint/told-config.ts';
import { embeddingShapes, sitesOf } from '../../encoder.ts';
import { encodeGraph } from '../../graphs.ts';
import type { HieraConfig, HieraSam } from './config.ts';
import { hiera } from './hiera.ts';

const TINY: HieraSam = {
  ...SAM_DEFAULTS,
  imageSize: 1024,
  stride: 16,
  outputChannels: 256,
  encoder: {
    kind: 'hiera',
    widths: [96, 192, 384, 768],
    depths: [1, 2, 7, 2],
    heads: [1, 2, 4, 8],
    windows: [8, 4, 14, 7],
    globalBlocks: [5, 7, 9],
    background: [7, 7],
    mlpRatio: 4,
  },
  decoder: { ...SAM_DEFAULTS.decoder, kind: 'sam2' },
  preprocessing: SAM2_PREPROCESSING,
};
const sized = (change: Partial<HieraConfig>): HieraSam => ({
  ...TINY,
  encoder: { ...TINY.encoder, ...change },
});
/** sam2/configs/sam2.1 */
const PUBLISHED: readonly (readonly [name: string, config: HieraSam])[] = [
  ['tiny', TINY],
  ['small', sized({ depths: [1, 2, 11, 2], globalBlocks: [7, 10, 13] })],
  [
    'base plus',
    sized({
      widths: [112, 224, 448, 896],
      depths: [2, 3, 16, 3],
      heads: [2, 4, 8, 16],
      globalBlocks: [12, 16, 20],
      background: [14, 14],
    }),
  ],
  [
    'large',
    sized({
      widths: [144, 288, 576, 1152],
      depths: [2, 6, 36, 4],
      heads: [2, 4, 8, 16],
      windows: [8, 4, 16, 8],
      globalBlocks: [23, 33, 43],
    }),
  ],
];

const VECTORS = fileURLToPath(new URL('../../../../tests/vectors/sam2/', import.meta.url));
let tensors: ReadonlyMap<string, HostTensor>;
let json: string;
beforeAll(async () => {
  const bytes = new Uint8Array(await readFile(`${VECTORS}sam2.base.safetensors`));
  tensors = await (await Safetensors.open(bytesSource('sam2', bytes))).readAll();
  json = await readFile(`${VECTORS}sam2.json`, 'utf8');
});
const open = (all: ReadonlyMap<string, HostTensor>, config: string | null = json) =>
  openCheckpoint({
    weights: [bytesSource('sam2.1_hiera.safetensors', writeSafetensors(all))],
    ...(config !== null && { config: { name: 'config.json', text: config } }),
  });

describe('the sizes of a SAM 2', () => {
  it.each(PUBLISHED)(
    'are read off the shapes of %s, and the size of its images is said to be assumed',
    (_, config) => {
      const told = new ToldConfig([{ name: 'config.json', json: { decoder_heads: 8 } }]);
      expect(inferSamConfig(hiera, new ShapeReader(samTensorShapes(config), 'sam.pt'), told)).toEqual(config);
      expect(told.remarks.map(({ what }) => what)).toEqual([
        expect.stringMatching(/images are taken to be 1024 pixels wide, as for every published SAM 2/),
      ]);
    },
  );

  it('of another one are said by its config, and not guessed', () => {
    const other = sized({ depths: [1, 2, 5, 2], globalBlocks: [5, 7] });
    const shapes = new ShapeReader(samTensorShapes(other), 'sam.pt');
    expect(() => inferSamConfig(hiera, shapes)).toThrow(/depths 96: 1, 2, 5, 2\) are not known/);
    const sizes = {
      image_size: [512, 512],
      num_attention_heads_per_stage: [1, 2, 4, 8],
      window_size_per_stage: [8, 4, 14, 7],
      global_attention_blocks: [5, 7],
    };
    const hf = {
      mask_decoder_config: { num_attention_heads: 8 },
      vision_config: { backbone_config: sizes },
    };
    const told = new ToldConfig([{ name: 'config.json', json: hf }]);
    expect(inferSamConfig(hiera, shapes, told)).toEqual({ ...other, imageSize: 512 });
    expect(told.remarks).toEqual([]);
  });

  it('are those of the smallest in a config of transformers that leaves them out', () => {
    const parse = (vision: object) =>
      parseSamConfig({ model_type: 'sam2_video', vision_config: vision }, 'c');
    expect(parse({})).toEqual(TINY);
    expect(parse({ backbone_config: { image_size: 512 } })).toEqual({ ...TINY, imageSize: 512 });
    expect(() => parse({ backbone_config: { image_size: [512, 256] } })).toThrow(/Only square images/);
  });

  it.each([
    [{ image_size: 1040 }, 'image_size 1040 is no multiple of 32'],
    [
      { window_size_per_stage: [9, 4, 14, 7] },
      'image_size 1024 is no multiple of 4 times the first window, 9',
    ],
    [{ window_size_per_stage: [8, 5, 14, 7] }, 'the first block of a stage halves its windows'],
    [{ window_size_per_stage: [8, 4, 14, 65] }, 'go beyond 64 tokens'],
    [{ global_attention_blocks: [3] }, 'the first block of a stage halves its windows'],
    [{ global_attention_blocks: [12] }, 'go beyond the 12 blocks'],
    [{ embed_dim_per_stage: [96, 96, 192, 384] }, 'has neighbours that are equal'],
    [{ num_attention_heads_per_stage: [1, 5, 4, 8] }, 'are no multiples of num_attention_heads_per_stage'],
    [{ blocks_per_stage: [1, 2, 7] }, 'blocks_per_stage'],
  ])('that contradict themselves are refused: %j', (sizes, named) => {
    const config = { model_type: 'sam2', vision_config: { backbone_config: sizes } };
    expect(() => parseSamConfig(config, 'config.json')).toThrow(Failure);
    expect(() => parseSamConfig(config, 'config.json')).toThrow(named);
  });
});

describe('a SAM 2', () => {
  it('has a place for modules in every block but those that change the width', () => {
    expect(
      sitesOf(TINY).map(({ name, width, heads, grid, window }) => [
        name.split('.').at(-1),
        width,
        heads,
        grid[0],
        window,
      ]),
    ).toEqual([
      ['0', 96, 1, 256, 8],
      ['2', 192, 2, 128, 4],
      ...['4', '5', '6', '7', '8', '9'].map((n) => [n, 384, 4, 64, Number(n) % 2 ? 0 : 14]),
      ['11', 768, 8, 32, 7],
    ]);
  });

  it('is read under its own names, below a wrapper too, and what it has for videos is left alone', async () => {
    const named = new Map([...tensors].map(([name, tensor]) => [`model.${name}`, tensor]));
    for (const name of [
      'memory_attention.layers.0.linear1.weight',
      'maskmem_tpos_enc',
      'obj_ptr_proj.layers.0.bias',
    ])
      named.set(`model.${name}`, { shape: [2], data: Float32Array.of(1, 2) });
    const { config, unused, remarks } = await open(named);
    expect(embeddingShapes(config)).toEqual({
      embedding: [6, 6, 16],
      highRes0: [24, 24, 2],
      highRes1: [12, 12, 4],
    });
    expect(unused.filter((name) => !name.includes('pred_obj_score_head'))).toHaveLength(3);
    expect(remarks).toEqual([]);
  });

  it('is the same model under the names of transformers, where four tensors are rows of one', async () => {
    const names: Record<string, string | string[]> = JSON.parse(
      await readFile(`${VECTORS}hf_names.json`, 'utf8'),
    );
    const tensorOf = (name: string) => tensors.get(name) ?? { shape: [], data: new Float32Array() };
    const renamed = new Map(
      Object.entries(names).map(([hf, original]): [string, HostTensor] => {
        if (!Array.isArray(original)) return [hf, tensorOf(original)];
        const rows = original.map(tensorOf);
        return [
          hf,
          { shape: [rows.length, 16], data: Float32Array.from(rows.flatMap(({ data }) => [...data])) },
        ];
      }),
    );
    const [own, hf] = [await open(tensors), await open(renamed)];
    expect(hf.config).toEqual(own.config);
    expect(hf.unused.filter((name) => !name.includes('pred_obj_score_head'))).toEqual([]);
    for (const name of samTensorShapes(own.config).keys())
      expect(await hf.read(name), name).toEqual(await own.read(name));
    // A table of another size is no table of points, however many rows it claims.
    renamed.set('prompt_encoder.point_embed.weight', { shape: [64, 1], data: new Float32Array(64) });
    await expect(open(renamed)).rejects.toMatchObject({
      record: { code: 'checkpoint/missing', where: expect.stringContaining('point_embeddings') },
    });
  });

  it('is refused where a tensor is missing, by its name in the file’s part of a SAM', async () => {
    const cut = new Map(tensors);
    cut.delete('sam_mask_decoder.obj_score_token.weight');
    await expect(open(cut)).rejects.toMatchObject({
      record: { code: 'checkpoint/missing', where: expect.stringContaining('mask_decoder.obj_score_token') },
    });
    const stages = new Map(tensors);
    for (const part of ['weight', 'bias']) stages.delete(`image_encoder.trunk.blocks.6.proj.${part}`);
    await expect(open(stages, null)).rejects.toThrow(/3 stages and not 4/);
  });

  it('runs at 1,024 pixels within the limits that every device has', () => {
    const traits = { isSoftware: false, hasSubgroups: false };
    const { passes, slotBytes } = planGraph(encodeGraph(TINY), traits);
    const MiB = 2 ** 20;
    expect(Math.max(...passes.flatMap(({ bytes }) => bytes))).toBeLessThanOrEqual(128 * MiB);
    expect(Math.max(...slotBytes)).toBeLessThanOrEqual(128 * MiB);
  });
});
