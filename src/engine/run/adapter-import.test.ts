/** LoRA of Hugging Face's PEFT against its own forward, see `python/reference/peft_lora.py`. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InputFile } from '../../data/read-datasets.ts';
import { writeZip } from '../../data/zip.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { packPrompts } from '../../sam/prompts.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import { type OpenModel, openModel } from '../model.ts';
import { ModelSession } from '../tuning.ts';
import { readIncomingAdapter, understoodOf } from './adapter-files.ts';

const TOLERANCE = 1e-4;
const vector = (name: string) =>
  readFile(new URL(`../../../tests/vectors/${name}`, import.meta.url)).then((bytes) => new Uint8Array(bytes));
const source = async (name: string) => bytesSource(name, await vector(name));

let gpu: Gpu;
let model: OpenModel;
let asked: Safetensors;
let expected: Safetensors;

beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openModel(gpu, await Promise.all(['hf/config.json', 'hf/model.safetensors'].map(source)));
  asked = await Safetensors.open(await source('hf/expected.safetensors'));
  expected = await Safetensors.open(await source('peft/expected.safetensors'));
});
afterAll(() => gpu?.destroy());

/** A case's folder as PEFT saves it. */
function folder(name: string): InputFile[] {
  return ['adapter_config.json', 'adapter_model.safetensors'].map((file) => ({
    path: `${name}/${file}`,
    bytes: () => vector(`peft/${name}/${file}`),
  }));
}

test.each([
  [
    'fused',
    { rank: 3, targets: 'qkv' },
    [0, 1],
    false,
    'scale 2, blocks 0-1, q, k and v from rows 0…23, 24…47, 48…71 of attn.qkv',
  ],
  ['every_layer', { rank: 4, targets: 'all' }, [0, 1], true, 'ranks 1 to 4'],
  ['decoder', { rank: 2, targets: 'qkv' }, [0, 1], true, 'layers of the mask decoder, merged into it'],
  ['late', { rank: 2, targets: 'all' }, [1], false, 'scale -0.5, block 1, proj, lin2'],
] as const)('%s answers as PEFT does', async (name, settings, blocks, trainDecoder, sentence) => {
  const { adapter, pair } = await readIncomingAdapter(folder(name), model);
  expect(adapter.mopeft).toEqual({
    methods: { lora: { ...settings, alpha: 0 } },
    gate: 'none',
    blocks,
    trainDecoder,
  });
  const said = understoodOf(adapter).join(' ');
  expect(said).toContain(sentence);
  expect(said).toMatch(/names tests\/vectors\/hf, and .* is open/);
  // Out and in again in our own format.
  const again = await readIncomingAdapter(
    [{ path: pair.weights.name, bytes: async () => pair.weights.bytes }],
    model,
  );
  expect(again.pair.weights.bytes).toBe(pair.weights.bytes);
  const session = await ModelSession.open(gpu, model, again.adapter);
  await session.encode((await asked.read('input.image')).data);
  const { shape, data } = await expected.read(`${name}.embedding`);
  const { embedding } = await session.sam.embeddings();
  expect(relativeError(channelsFirst(embedding, shape), data)).toBeLessThan(TOLERANCE);
  expect(relativeError((await asked.read('encoder.embedding')).data, data)).toBeGreaterThan(0.01);
  const { lowResMasks } = await session.sam.decode(packPrompts(await pointPrompts(), session.sam.config));
  expect(relativeError(lowResMasks, (await expected.read(`${name}.masks`)).data)).toBeLessThan(TOLERANCE);
  await session.release();
});

test('a whole model whose LoRA is not merged answers as PEFT does, merged and as base with adapter', async () => {
  const names = ['config.json', 'model.safetensors', 'adapter_config.json'].map(
    (name) => `peft/whole/${name}`,
  );
  const sources = await Promise.all(names.map(source));
  const merged = await openModel(gpu, sources);
  expect(merged.remarks).toContainEqual(expect.objectContaining({ code: 'checkpoint/merged' }));
  expect(merged.unused).toEqual([]);
  const session = await ModelSession.open(gpu, merged, null);
  await session.encode((await asked.read('input.image')).data);
  const { lowResMasks } = await session.sam.decode(packPrompts(await pointPrompts(), session.sam.config));
  expect(relativeError(lowResMasks, (await expected.read('decoder.masks')).data)).toBeLessThan(TOLERANCE);
  await session.release();
  merged.weights.release();

  const base = await openModel(gpu, sources, { choices: { withoutTuned: true } });
  expect(base.hash).toBe(model.hash);
  const inputs = names.slice(1).map((path) => ({ path, bytes: () => vector(path) }));
  const { adapter } = await readIncomingAdapter(inputs, base);
  expect(adapter.tensors).toEqual((await readIncomingAdapter(folder('decoder'), model)).adapter.tensors);
  base.weights.release();
});

test('a zip of the folder is the same adapter', async () => {
  const entries = folder('fused').map(async ({ path, bytes }) => [path, await bytes()] as const);
  const zip = await writeZip(Object.fromEntries(await Promise.all(entries)));
  const zipped = await readIncomingAdapter([{ path: 'fused.zip', bytes: async () => zip }], model);
  expect(zipped.pair).toEqual((await readIncomingAdapter(folder('fused'), model)).pair);
});

test('the PyTorch file of older versions is the same adapter, beside what a training leaves there too', async () => {
  const [config, weights] = folder('late');
  if (!config || !weights) throw new Error('there are two files');
  const bin: InputFile = {
    path: 'late/adapter_model.bin',
    bytes: () => vector('peft/late/adapter_model.bin'),
  };
  const state: InputFile = { path: 'late/optimizer.pt', bytes: async () => Uint8Array.of(1) };
  const { pair } = await readIncomingAdapter([state, bin, config], model);
  expect(pair).toEqual((await readIncomingAdapter([weights, config], model)).pair);
  await expect(
    readIncomingAdapter(
      [
        { ...state, path: 'a.pt' },
        { ...state, path: 'b.pt' },
      ],
      model,
    ),
  ).rejects.toThrow(/more than one adapter/);
});

test('a PyTorch file of something else is no adapter', async () => {
  const bytes = await vector('peft/late/adapter_model.bin');
  const text = String.fromCharCode(...bytes).replaceAll('lora_', 'LoRa_');
  const other = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  await expect(readIncomingAdapter([{ path: 'x.bin', bytes: async () => other }], model)).rejects.toThrow(
    /no LoRA in a form that is read here; among its 4 tensors is base_model.*LoRa_/,
  );
});

/** [h, w, D] as [1, D, h, w]. */
function channelsFirst(
  data: Float32Array,
  [, depth = 0, height = 0, width = 0]: readonly number[],
): Float32Array {
  const cells = height * width;
  return Float32Array.from(data, (_, i) => data[(i % cells) * depth + Math.floor(i / cells)] ?? Number.NaN);
}

/** The clicks of the file's two objects. */
async function pointPrompts() {
  const [{ data: points }, { data: labels }] = await Promise.all([
    asked.read('input.points'),
    asked.read('input.labels'),
  ]);
  const at = (n: number, i: number) => ({
    x: points[4 * n + 2 * i] ?? Number.NaN,
    y: points[4 * n + 2 * i + 1] ?? Number.NaN,
    positive: labels[2 * n + i] === 1,
  });
  return [0, 1].map((n) => ({ points: [0, 1].map((i) => at(n, i)) }));
}
