import { describe, expect, it } from 'vitest';
import { Failure } from '../../config/failure.ts';
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
    const wrapped = new Map([['lora.image_encoder.blocks.0.A', stray]]);
    for (const [name, tensor] of weights()) wrapped.set(`module.sam.${name}`, tensor);
    wrapped.set('module.sam.extra', stray);
    wrapped.set('optimizer.step', stray);
    const checkpoint = await openCheckpoint({ weights: [source(wrapped)], config });
    expect(checkpoint.unused).toEqual(['extra']);
    expect((await checkpoint.read('image_encoder.pos_embed')).shape).toEqual([1, 4, 4, 16]);
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

  it('fills what a short config leaves out', async () => {
    const { iou_hidden, ...short } = FLAT;
    const opened = await openCheckpoint({
      weights: [source(weights())],
      config: { name: 'config.json', text: JSON.stringify(short) },
    });
    expect(opened.config.decoder.iouHidden).toBe(iou_hidden);
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
