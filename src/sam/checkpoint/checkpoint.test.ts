import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
import type { SamConfig } from '../../config/sam.ts';
import type { Shape } from '../../graph/shape.ts';
import { sizeOf } from '../../graph/shape.ts';
import { vit } from '../encoders/vit/vit.ts';
import { interpolateRelPos } from './block-tensors.ts';
import { bytesSource } from './byte-source.ts';
import { openCheckpoint } from './checkpoint.ts';
import { samTensorShapes } from './expected-shapes.ts';
import { inferSamConfig } from './infer-config.ts';
import { parseSamConfig } from './parse-config.ts';
import { writeSafetensors } from './safetensors-write.ts';
import { ShapeReader } from './shape-reader.ts';
import type { HostTensor } from './tensor-file.ts';

const FLAT = {
  image_size: 32,
  patch_size: 8,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  mlp_dim: 24,
  output_channels: 16,
  window_size: 3,
  global_attn_indexes: [1],
  decoder_heads: 2,
  decoder_mlp_dim: 8,
  iou_hidden: 8,
};
const CONFIG = parseSamConfig(FLAT, 'config.json');
const config = { name: 'config.json', text: JSON.stringify(FLAT) };

function weights(change: (tensors: Map<string, HostTensor>) => void = () => {}): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const [name, shape] of samTensorShapes(CONFIG)) {
    tensors.set(name, { shape, data: new Float32Array(sizeOf(shape)).fill(0.25) });
  }
  change(tensors);
  return tensors;
}

const drawn = (config: SamConfig) =>
  new Map(
    [...samTensorShapes(config)].map(([name, shape]): [string, HostTensor] => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)).fill(0.25) },
    ]),
  );

/** The weights with a `config.json` of this content. */
const openWith = (json: unknown) =>
  openCheckpoint({
    weights: [source(weights())],
    config: { name: 'config.json', text: JSON.stringify(json) },
  });

const source = (tensors: Map<string, HostTensor>, name = 'sam.safetensors') =>
  bytesSource(name, writeSafetensors(tensors));

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'taken';
  } catch (error) {
    if (error instanceof Failure) return `${error.record.code} ${error.record.where}`;
    throw error;
  }
}

describe('opening a checkpoint', () => {
  it('takes original names, also below a wrapper, and leaves strangers alone', async () => {
    const plain = await openCheckpoint({ weights: [source(weights())], config });
    expect(plain.unused).toEqual([]);
    expect(plain.config).toEqual(CONFIG);
    const stray: HostTensor = { shape: [1], data: Float32Array.of(1) };
    const wrapped = new Map([['exp_avg.image_encoder.blocks.0.A', stray]]);
    for (const [name, tensor] of weights()) wrapped.set(`module.sam.${name}`, tensor);
    wrapped.set('module.sam.extra', stray);
    wrapped.set('optimizer.step', stray);
    const checkpoint = await openCheckpoint({ weights: [source(wrapped)], config });
    expect(checkpoint.unused).toEqual([
      'exp_avg.image_encoder.blocks.0.A',
      'module.sam.extra',
      'optimizer.step',
    ]);
    expect((await checkpoint.read('image_encoder.pos_embed')).shape).toEqual([1, 4, 4, 16]);
  });

  it.each([
    ['image_encoder.', 'image_encoder._orig_mod.'],
    ['image_encoder.', 'image_encoder.module.'],
    ['image_encoder.', 'image_encoder.base_model.model.'],
    ['mask_decoder.', 'mask_decoder.module._orig_mod.'],
    ['image_encoder.', '_fsdp_wrapped_module.image_encoder._fsdp_wrapped_module.'],
    ['image_encoder.blocks.1.', 'image_encoder.blocks.1._checkpoint_wrapped_module.'],
  ])('takes names in which a wrapper made %s to %s', async (from, to) => {
    const first = to.startsWith(from) ? '' : to.slice(0, to.indexOf(from));
    const plain = weights((tensors) => {
      for (const [i, { data }] of [...tensors.values()].entries()) data.fill(i / 256);
    });
    const wrapped = new Map<string, HostTensor>();
    for (const [name, tensor] of plain)
      wrapped.set(name.startsWith(from) ? name.replace(from, to) : first + name, tensor);
    const opened = await openCheckpoint({ weights: [source(wrapped)], config });
    expect(opened.unused).toEqual([]);
    for (const [name, { data }] of plain) expect((await opened.read(name)).data, name).toEqual(data);
  });

  it.each([
    ['weight_orig', 'weight_mask'],
    ['weight_g', 'weight_v'],
    ['parametrizations.weight.original0', 'parametrizations.weight.original1'],
  ])('names %s and %s, from which PyTorch computes a weight', async (...parts) => {
    for (const layer of ['image_encoder.blocks.0.attn.proj', 'mask_decoder.output_upscaling.0']) {
      const tensors = weights((all) => {
        const weight = all.get(`${layer}.weight`);
        all.delete(`${layer}.weight`);
        for (const part of parts) if (weight) all.set(`${layer}.${part}`, weight);
      });
      await expect(openCheckpoint({ weights: [source(tensors)], config })).rejects.toMatchObject({
        record: {
          code: 'checkpoint/missing',
          what: expect.stringContaining(`${layer}.${parts[0]} and ${layer}.${parts[1]}`),
          where: `sam.safetensors, tensor ${layer}.weight`,
          cure: expect.stringContaining('remove_weight_norm'),
        },
      });
    }
  });

  it('takes a model in several files, and refuses the same tensor twice', async () => {
    const all = [...weights()];
    const half = (from: number, to: number) => new Map(all.slice(from, to));
    const shards = [source(half(0, 60), 'one'), source(half(60, all.length), 'two')];
    const opened = await openCheckpoint({ weights: shards, config });
    for (const [name, { data }] of all) expect((await opened.read(name)).data, name).toEqual(data);
    const twice = [source(half(0, 60), 'one'), source(half(59, all.length), 'two')];
    expect(await codeOf(openCheckpoint({ weights: twice, config }))).toMatch(/^checkpoint\/twice tensor /);
  });

  it('names the tensor that is missing or has another shape', async () => {
    const without = weights((tensors) => tensors.delete('mask_decoder.iou_token.weight'));
    expect(await codeOf(openCheckpoint({ weights: [source(without)], config }))).toBe(
      'checkpoint/missing sam.safetensors, tensor mask_decoder.iou_token.weight',
    );
    const wrong = weights((tensors) => {
      tensors.set('image_encoder.neck.1.bias', { shape: [8], data: new Float32Array(8) });
    });
    expect(await codeOf(openCheckpoint({ weights: [source(wrong)], config }))).toBe(
      'checkpoint/shape sam.safetensors, tensor image_encoder.neck.1.bias',
    );
  });

  it('refuses what is no SAM', async () => {
    const adapter = new Map([['blocks.0.lora.q.A', { shape: [1, 16], data: new Float32Array(16) }]]);
    expect(await codeOf(openCheckpoint({ weights: [source(adapter)], config }))).toBe(
      'checkpoint/not-sam sam.safetensors',
    );
  });

  it('names the plain ViT of EfficientSAM, whose positions lie in one row', async () => {
    const plain = weights((tensors) => {
      tensors.set('image_encoder.pos_embed', { shape: [1, 17, 16], data: new Float32Array(17 * 16) });
    });
    await expect(openCheckpoint({ weights: [source(plain)] })).rejects.toMatchObject({
      record: { code: 'checkpoint/not-sam', what: expect.stringContaining('EfficientSAM') },
    });
  });

  it('refuses a config that is no JSON', async () => {
    const broken = { name: 'config.json', text: '{' };
    expect(await codeOf(openCheckpoint({ weights: [source(weights())], config: broken }))).toBe(
      'config/no-json config.json',
    );
  });

  it('takes tables of relative position of another length', async () => {
    const other = weights((tensors) => {
      for (const part of ['h', 'w']) {
        const name = `image_encoder.blocks.1.attn.rel_pos_${part}`;
        tensors.set(name, { shape: [13, 8], data: new Float32Array(13 * 8) });
      }
    });
    expect(await codeOf(openCheckpoint({ weights: [source(other)], config }))).toBe('taken');
  });
});

describe('a config read off the shapes', () => {
  const official = (hiddenSize: number, heads: number, layers: number, globals: number[]) =>
    parseSamConfig(
      {
        vision_config: {
          hidden_size: hiddenSize,
          num_attention_heads: heads,
          num_hidden_layers: layers,
          global_attn_indexes: globals,
          mlp_dim: 4 * hiddenSize,
        },
        mask_decoder_config: { layer_norm_eps: 1e-5 },
      },
      'config.json',
    );

  it.each([
    ['ViT-B', official(768, 12, 12, [2, 5, 8, 11])],
    ['ViT-L', official(1024, 16, 24, [5, 11, 17, 23])],
    ['ViT-H', official(1280, 16, 32, [7, 15, 23, 31])],
  ])('is the one of %s', (_name, expected) => {
    expect(inferSamConfig(vit, new ShapeReader(samTensorShapes(expected), 'sam.safetensors'))).toEqual(
      expected,
    );
  });

  it('is what a short config leaves out', async () => {
    const { vision, decoder_heads } = { vision: { hidden_size: 16, mlp_dim: 24 }, decoder_heads: 2 };
    const opened = await openWith({ vision_config: vision, decoder_heads });
    expect(opened.config).toEqual(CONFIG);
  });

  it('wins over a config that says otherwise, with both values', async () => {
    const opened = await openWith({
      ...FLAT,
      num_hidden_layers: 4,
      global_attn_indexes: [1, 3],
      num_attention_heads: 'many',
      image_size: 1024,
      decoder_mlp_dim: 2048,
    });
    expect(opened.config).toEqual(CONFIG);
    const said = opened.remarks.filter(({ code }) => code === 'config/contradicts');
    expect(said.every(({ where }) => where === 'config.json')).toBe(true);
    expect(said.map(({ what }) => what.split(' by the shapes')[0])).toEqual([
      'num_hidden_layers is 4 there, and 2',
      'image_size is 1024 there, and 32',
      'num_attention_heads is "many" there, and 2',
      'global_attn_indexes is [1, 3] there, and [1]',
      'decoder_mlp_dim is 2048 there, and 8',
    ]);
  });

  it('says that heads of the decoder are assumed, asks where the usual do not fit, and takes the number', async () => {
    const { decoder_heads: _, ...silent } = FLAT;
    const usual = await openWith(silent);
    expect(usual.config.decoder.numHeads).toBe(8);
    expect(usual.remarks[0]?.what).toMatch(
      /^config\.json does not say it: .* 8 heads as in every published SAM/,
    );
    const narrow = { ...CONFIG, outputChannels: 24, decoder: { ...CONFIG.decoder, numHeads: 3 } };
    const file = source(drawn(narrow));
    const asked = openCheckpoint({ weights: [file] });
    await expect(asked).rejects.toMatchObject({
      record: {
        code: 'config/decoder-heads',
        what: expect.stringMatching(/^There is no config\.json: .*width of 12/),
        options: ['1', '2', '3', '4', '6', '12'],
      },
    });
    expect((await openCheckpoint({ weights: [file] }, { decoderHeads: 3 })).config).toEqual(narrow);
    expect(await codeOf(openCheckpoint({ weights: [file] }, { decoderHeads: 5 }))).toMatch(
      /^config\/inconsistent/,
    );
    expect(await codeOf(openWith({ ...FLAT, decoder_heads: 'eight' }))).toBe('config/invalid config.json');
  });

  it('is complete with the config and preprocessing that the metadata carry', async () => {
    const metadata = {
      config: JSON.stringify(FLAT),
      preprocessor_config: JSON.stringify({ aspect: 'stretch', normalisation: 'min-max' }),
    };
    const alone = bytesSource('alone.safetensors', writeSafetensors(weights(), metadata));
    const opened = await openCheckpoint({ weights: [alone] });
    expect(opened.config).toEqual({
      ...CONFIG,
      preprocessing: { aspect: 'stretch', normalisation: { kind: 'min-max' } },
    });
    expect(opened.remarks).toEqual([]);
    const beside = { name: 'p.json', text: '{"aspect": "keep"}' };
    const { config: told } = await openCheckpoint({ weights: [alone], preprocessor: beside });
    expect(told.preprocessing).toMatchObject({ aspect: 'keep', normalisation: { kind: 'mean-std' } });
    for (const other of ['{', '7', '"adam"']) {
      const foreign = bytesSource('w', writeSafetensors(weights(), { config: other }));
      expect((await openCheckpoint({ weights: [foreign] })).config.decoder.numHeads, other).toBe(8);
    }
  });

  it("leaves another model's config alone, and says so", async () => {
    const { config: opened, remarks } = await openWith({ model_type: 'vit', hidden_size: 768 });
    expect(opened.encoder).toEqual(CONFIG.encoder);
    expect(remarks[0]).toMatchObject({
      where: 'config.json',
      what: expect.stringMatching(/model_type is vit/),
    });
    expect(await codeOf(openWith([1]))).toBe('config/not-sam config.json');
    expect(await codeOf(openWith({ vision_config: { hidden_act: 'relu' } }))).toBe(
      'config/invalid config.json',
    );
  });

  it('takes a MedSAM by its name to be stretched and scaled by minimum and maximum, and what is chosen wins', async () => {
    const file = source(weights(), 'MedSAM/medsam_vit_b.safetensors');
    const opened = await openCheckpoint({ weights: [file], config });
    expect(opened.config.preprocessing).toEqual({ aspect: 'stretch', normalisation: { kind: 'min-max' } });
    expect(opened.remarks).toMatchObject([
      { code: 'config/preprocessing', what: expect.stringMatching(/MedSAM/) },
    ]);
    const chosen = { aspect: 'keep', normalisation: CONFIG.preprocessing.normalisation } as const;
    const again = await openCheckpoint({ weights: [file], config }, chosen);
    expect(again.config.preprocessing).toEqual(CONFIG.preprocessing);
    expect(again.remarks).toEqual([]);
    const lite = await openCheckpoint({ weights: [source(weights(), 'lite_medsam.safetensors')], config });
    expect(lite.config.preprocessing).toEqual({ aspect: 'keep', normalisation: { kind: 'min-max' } });
  });

  it('takes tables longer than the grid for those of a global block, and windows of two sizes for one', async () => {
    const tables = (rows: readonly number[]) =>
      weights((tensors) => {
        for (const [i, length] of rows.entries())
          for (const part of ['h', 'w'])
            tensors.set(`image_encoder.blocks.${i}.attn.rel_pos_${part}`, {
              shape: [length, 8],
              data: new Float32Array(length * 8),
            });
      });
    const windowsOf = async (rows: readonly number[]) => {
      const opened = await openCheckpoint({ weights: [source(tables(rows))] }, { decoderHeads: 2 });
      const said = opened.remarks.filter(({ code }) => code === 'checkpoint/stretched-tables');
      return [opened.config.encoder, said.length];
    };
    const like = (windowSize: number, globalAttnIndexes: number[]) => ({
      ...CONFIG.encoder,
      windowSize,
      globalAttnIndexes,
    });
    expect(await windowsOf([5, 7])).toEqual([like(3, [1]), 0]);
    expect(await windowsOf([7, 7])).toEqual([like(0, [0, 1]), 0]);
    expect(await windowsOf([5, 13])).toEqual([like(3, [1]), 1]);
    expect(await windowsOf([3, 5])).toEqual([like(2, [1]), 1]);
    expect(await windowsOf([4, 7])).toEqual([like(0, [0, 1]), 1]);
    const whole = await openCheckpoint({
      weights: [source(tables([7, 7]))],
      config: { name: 'config.json', text: JSON.stringify({ ...FLAT, window_size: 4 }) },
    });
    expect(whole.config.encoder).toEqual(like(4, [1]));
  });

  it('says what is usual where tables of relative position are missing', async () => {
    const bare = { ...CONFIG, encoder: { ...CONFIG.encoder, useRelPos: false } };
    const opened = await openCheckpoint({ weights: [source(drawn(bare))], config });
    expect(opened.config).toEqual(bare);
    const assumed = async (hiddenSize: number, numHiddenLayers: number) => {
      const encoder = { ...bare.encoder, hiddenSize, numHiddenLayers, numAttentionHeads: 12 };
      const file = source(drawn({ ...bare, encoder }));
      const { config: taken, remarks } = await openCheckpoint({ weights: [file] }, { decoderHeads: 2 });
      return { ...taken.encoder, said: remarks.map(({ what }) => what).join(' ') };
    };
    expect(await assumed(24, 4)).toMatchObject({
      numAttentionHeads: 12,
      windowSize: 14,
      globalAttnIndexes: [0, 1, 2, 3],
      said: expect.stringMatching(/12 heads.*width of 24.*windows of 14 tokens but in block 0, 1, 2, 3/),
    });
    expect(await assumed(24, 3)).toMatchObject({
      windowSize: 0,
      globalAttnIndexes: [0, 1, 2],
      said: expect.stringMatching(/global in every block/),
    });
    const alone = openCheckpoint({ weights: [source(drawn(bare))] }, { decoderHeads: 2 });
    // 12 heads do not divide a width of 16.
    expect(await codeOf(alone)).toBe(
      'checkpoint/shape sam.safetensors, tensor image_encoder.blocks.0.attn.qkv.weight',
    );
  });

  it.each([
    ['image_encoder.pos_embed', [1, 4, 5, 16]],
    ['image_encoder.pos_embed', [4]],
    ['image_encoder.patch_embed.proj.weight', [16, 3, 8, 0]],
    ['image_encoder.blocks.0.attn.qkv.weight', [47, 16]],
    ['image_encoder.blocks.1.attn.rel_pos_h', [7, 5]],
    ['image_encoder.blocks.1.attn.rel_pos_h', [7, 0]],
    ['mask_decoder.iou_token.weight', []],
  ])('refuses %s of shape %j', async (name, shape) => {
    const odd = weights((tensors) => {
      tensors.set(name, { shape, data: new Float32Array(sizeOf(shape)) });
    });
    expect(await codeOf(openCheckpoint({ weights: [source(odd)], config }))).toMatch(/^checkpoint\/shape /);
  });

  it('names a tensor that it cannot do without', () => {
    const shapes = new Map<string, Shape>([['image_encoder.patch_embed.proj.weight', [16, 3, 8, 8]]]);
    expect(() => inferSamConfig(vit, new ShapeReader(shapes, 'x.safetensors'))).toThrow(
      /x\.safetensors, tensor image_encoder\.pos_embed/,
    );
  });
});

describe('tables of relative position', () => {
  it('are interpolated as F.interpolate(mode="linear") does', () => {
    // torch.nn.functional.interpolate(torch.tensor([[[0., 1., 4., 9., 16.]]]), size=7, mode='linear') and size=3
    const table = { shape: [5, 1], data: Float32Array.of(0, 1, 4, 9, 16) };
    const longer = [0, 0.5714286, 1.8571428, 4, 7.5714288, 12, 16];
    interpolateRelPos(table, 7).data.forEach((value, i) => {
      expect(value).toBeCloseTo(longer[i] ?? Number.NaN, 5);
    });
    const shorter = [0.3333333, 4, 13.6666679];
    interpolateRelPos(table, 3).data.forEach((value, i) => {
      expect(value).toBeCloseTo(shorter[i] ?? Number.NaN, 5);
    });
    expect(interpolateRelPos(table, 5)).toBe(table);
  });
});
