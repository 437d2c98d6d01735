import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Gpu } from '../gpu/gpu.ts';
import { planGraph } from '../graph/plan.ts';
import { openTestGpu } from '../testing/device.ts';
import { bytesSource } from './checkpoint/byte-source.ts';
import { openCheckpoint } from './checkpoint/checkpoint.ts';
import { samTensorShapes } from './checkpoint/expected-shapes.ts';
import { mapHfNames } from './checkpoint/names.ts';
import { parseSamConfig } from './checkpoint/parse-config.ts';
import { Safetensors } from './checkpoint/safetensors.ts';
import { writeSafetensors } from './checkpoint/safetensors-write.ts';
import type { HostTensor } from './checkpoint/tensor-file.ts';
import { embeddingShapes } from './encoder.ts';
import { decodeGraph } from './graphs.ts';
import { packPrompts } from './prompts.ts';
import { SamSession } from './session.ts';
import { loadModel } from './weights.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const IS_HQ = /^mask_decoder\.(hf_|compress_vit_feat|embedding_)/;
/** Hugging Face's names of HQ-SAM's own layers, as `SamHQModel.state_dict()` of transformers 5.24 has them. */
const HF_LAYERS = {
  hq_token: 'hf_token',
  'hq_mask_mlp.proj_in': 'hf_mlp.layers.0',
  'hq_mask_mlp.layers.0': 'hf_mlp.layers.1',
  'hq_mask_mlp.proj_out': 'hf_mlp.layers.2',
  compress_vit_conv1: 'compress_vit_feat.0',
  compress_vit_norm: 'compress_vit_feat.1',
  compress_vit_conv2: 'compress_vit_feat.3',
  encoder_conv1: 'embedding_encoder.0',
  encoder_norm: 'embedding_encoder.1',
  encoder_conv2: 'embedding_encoder.3',
  mask_conv1: 'embedding_maskfeature.0',
  mask_norm: 'embedding_maskfeature.1',
  mask_conv2: 'embedding_maskfeature.3',
} as const;

const folder = fileURLToPath(new URL('../../tests/vectors/hq', import.meta.url));
const heads = { decoderHeads: 2 };
let tensors: ReadonlyMap<string, HostTensor>;
beforeAll(async () => {
  const bytes = new Uint8Array(await readFile(`${folder}/hq.base.safetensors`));
  tensors = await (await Safetensors.open(bytesSource('hq', bytes))).readAll();
});

const fileOf = (change: (tensors: Map<string, HostTensor>) => void = () => undefined) => {
  const changed = new Map(tensors);
  change(changed);
  return { weights: [bytesSource('sam_hq.safetensors', writeSafetensors(changed))] };
};

describe('a checkpoint of HQ-SAM', () => {
  it('is told by its token, and nothing of it is left alone', async () => {
    const { config, unused } = await openCheckpoint(fileOf(), heads);
    expect(config.decoder.kind).toBe('hq');
    expect(embeddingShapes(config)).toEqual({ embedding: [8, 8, 16], intermediate: [8, 8, 32] });
    expect(unused).toEqual([]);
    expect([...samTensorShapes(config).keys()].filter((name) => IS_HQ.test(name))).toHaveLength(25);
    const told = { name: 'config.json', text: '{"hq": false}' };
    const { remarks } = await openCheckpoint({ ...fileOf(), config: told }, heads);
    expect(remarks.find(({ code }) => code === 'config/contradicts')?.what).toMatch(
      /hq is false there, and true/,
    );
  });

  it('is a plain SAM without its tensors, and incomplete with some of them', async () => {
    const plain = await openCheckpoint(
      fileOf((all) => {
        for (const name of tensors.keys()) if (IS_HQ.test(name)) all.delete(name);
      }),
      heads,
    );
    expect(plain.config.decoder.kind).toBe('sam');
    expect(Object.keys(embeddingShapes(plain.config))).toEqual(['embedding']);
    const missing = 'mask_decoder.embedding_maskfeature.3.bias';
    await expect(
      openCheckpoint(
        fileOf((all) => all.delete(missing)),
        heads,
      ),
    ).rejects.toMatchObject({
      record: { code: 'checkpoint/missing', where: `sam_hq.safetensors, tensor ${missing}` },
    });
    const narrow = fileOf((all) => {
      const name = 'mask_decoder.compress_vit_feat.0.weight';
      all.set(name, { shape: [16, 16, 2, 2], data: new Float32Array(16 * 16 * 4) });
    });
    await expect(openCheckpoint(narrow, heads)).rejects.toMatchObject({
      record: { code: 'checkpoint/shape' },
    });
  });

  it("has Hugging Face's names too, and its config says what it is", async () => {
    const names = Object.keys(HF_LAYERS).map((name) => `mask_decoder.${name}.weight`);
    const wanted = Object.values(HF_LAYERS).map((name) => `mask_decoder.${name}.weight`);
    expect([...mapHfNames(names).keys()]).toEqual(wanted);
    const known = new Set(tensors.keys());
    expect(wanted.filter((name) => !known.has(name))).toEqual([]);
    const kind = (json: object) => parseSamConfig({ vision_config: {}, ...json }, 'config.json').decoder.kind;
    expect(kind({})).toBe('sam');
    expect(kind({ model_type: 'sam_hq' })).toBe('hq');
    expect(kind({ mask_decoder_config: { vit_dim: 768 } })).toBe('hq');
  });

  it('is refused where no block of the encoder is global', () => {
    const json = { model_type: 'sam_hq', vision_config: { global_attn_indexes: [] } };
    expect(() => parseSamConfig(json, 'config.json')).toThrow(/every block of the encoder has windows/);
  });
});

it('takes no more than a default device allows at SAM ViT-B’s sizes', () => {
  const sam = parseSamConfig({ model_type: 'sam_hq', vision_config: {} }, 'config.json');
  const graph = decodeGraph(sam, { objects: 1, tokens: 2, hasMask: true });
  const plan = planGraph(graph, { isSoftware: false, hasSubgroups: false });
  // The neighbourhoods of 256² pixels of 32 channels, and nothing larger.
  expect(Math.max(...plan.slotBytes)).toBe(256 ** 2 * 32 * 9 * 4);
  expect(plan.poolBytes).toBeLessThan(160 * 2 ** 20);
});

describe('a session of HQ-SAM', () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await openTestGpu();
  });
  afterAll(() => gpu?.destroy());

  it('keeps both embeddings of an image, and its own token changes every mask alike', async () => {
    const open = async (change?: (tensors: Map<string, HostTensor>) => void) =>
      loadModel(gpu, await openCheckpoint(fileOf(change), heads));
    const image = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i / 7));
    const model = await open();
    const prompts = packPrompts([{ points: [], box: [8, 8, 40, 50] }], model.config);
    const session = await SamSession.open(gpu, model);
    await session.encode(image);
    const { lowResMasks: masks } = await session.decode(prompts);
    const kept = await session.embeddings();
    expect(kept.intermediate).toHaveLength(8 * 8 * 32);
    await session.encode(image.map((value) => 1 - value));
    expect((await session.decode(prompts)).lowResMasks).not.toEqual(masks);
    await session.setEmbeddings(kept);
    expect((await session.decode(prompts)).lowResMasks).toEqual(masks);

    // Without the last layer of its MLP its kernel is zero: what is left is SAM's own mask.
    const silent = await open((all) => {
      for (const part of ['weight', 'bias']) {
        const name = `mask_decoder.hf_mlp.layers.2.${part}`;
        const { shape = [], data = new Float32Array() } = tensors.get(name) ?? {};
        all.set(name, { shape, data: new Float32Array(data.length) });
      }
    });
    const other = await SamSession.open(gpu, silent);
    await other.setEmbeddings(kept);
    const { lowResMasks: own } = await other.decode(prompts);
    const size = masks.length / 4;
    for (const token of [1, 2, 3]) {
      for (let i = 0; i < size; i += 97) {
        const added = (at: number) => (masks[at] ?? 0) - (own[at] ?? 0);
        expect(added(token * size + i)).toBeCloseTo(added(i), 4);
      }
    }
    for (const each of [session, other]) await each.release();
    for (const each of [model, silent]) each.weights.release();
  });
});
