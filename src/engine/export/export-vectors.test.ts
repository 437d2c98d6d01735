/**
 * Exports of a micro model, which lie in `tests/vectors/export` byte for byte, with the answers of the engine: other programs
 * open the same files (`python/tests/test_hub.py`). `MOPEFT_WRITE_VECTORS=1` writes them anew.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftRequest } from '../../config/mopeft.ts';
import { gridOf, lowResOf } from '../../config/sam.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { METHODS } from '../../peft/registry.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors, trainableTensors } from '../../peft/tensors.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { openCheckpoint } from '../../sam/checkpoint/checkpoint.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { packPrompts } from '../../sam/prompts.ts';
import { loadModel, type SamModel } from '../../sam/weights.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, MICRO_SAM2, microTensor, openMicroModel } from '../../testing/micro-model.ts';
import { normals } from '../../testing/random.ts';
import { readIncomingAdapter, scaleOfAdapter } from '../run/adapter-files.ts';
import { baseOf } from '../run/adapter-pair.ts';
import { ModelSession } from '../tuning.ts';
import type { ExportFile, ExportSource } from './export-form.ts';
import { fixedGatesOf, withFixedGates } from './fixed-gates.ts';
import { rawImageEncoder } from './onnx/anylabeling.ts';
import { tunedGraphs } from './onnx/tuned-graphs.ts';
import { exportFormById } from './registry.ts';

const VECTORS = fileURLToPath(new URL('../../../tests/vectors/', import.meta.url));
const FOLDER = `${VECTORS}export/`;
const writes = process.env.MOPEFT_WRITE_VECTORS === '1';
const POINTS = [
  { x: 9, y: 20, positive: true },
  { x: 25.5, y: 6, positive: false },
];
const BOX = [4, 6, 21, 29] as const;
const MERGEABLE = METHODS.filter(({ merge }) => merge).map(({ id }) => id);

/** A base model with its weights, on the device and to be read. */
interface Base extends Pick<ExportSource['checkpoint'], 'config' | 'read'> {
  readonly model: SamModel;
}

let gpu: Gpu;
const bases = new Map<string, Base>();
beforeAll(async () => {
  gpu = await openTestGpu();
  const read = async (name: string) => microTensor(MICRO_SAM, name);
  bases.set('micro', { config: MICRO_SAM, read, model: await openMicroModel(gpu) });
  const read2 = async (name: string) => microTensor(MICRO_SAM2, name);
  bases.set('sam2', { config: MICRO_SAM2, read: read2, model: await openMicroModel(gpu, MICRO_SAM2) });
  const at = `${VECTORS}tiny_vit/tiny_vit`;
  const weights = bytesSource('tiny', await readFile(`${at}.base.safetensors`));
  const config = { name: 'config.json', text: await readFile(`${at}.json`, 'utf8') };
  const tiny = await openCheckpoint({ weights: [weights], config });
  bases.set('tiny', { ...tiny, model: await loadModel(gpu, tiny) });
});
afterAll(() => {
  for (const { model } of bases.values()) model.weights.release();
  gpu?.destroy();
});

function baseNamed(name: string): Base {
  const base = bases.get(name);
  if (!base) throw new Error(`no base ${name}`);
  return base;
}

/** Values as after a training, none of which is 0; the decoder's are near the base model's. */
async function trained(request: MopeftRequest, { config, read }: Base): Promise<Adapter> {
  const resolved = resolveMopeft(request, config);
  const mopeft = request === UNTRAINED ? baseOf(resolved) : resolved;
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, init } of moduleTensors(mopeft, config)) {
    const isDecided = /\.(alpha|open)$/.test(name);
    const data = init(3).map((value, i) => value + (isDecided ? 0 : 0.2 * Math.sin(1 + 2 * i)));
    tensors.set(name, { shape, data });
  }
  for (const { name, shape } of trainableTensors(mopeft, config)) {
    if (tensors.has(name)) continue;
    const { data } = await read(name);
    tensors.set(name, { shape, data: data.map((value, i) => value + 0.05 * Math.sin(i)) });
  }
  return { mopeft, tensors, preprocessing: config.preprocessing, maskThreshold: 0.25, training: {} };
}

function sourceOf(adapter: Adapter, { model, config, read }: Base, dataset?: string): ExportSource {
  return {
    adapter,
    checkpoint: { config, read },
    base: { name: 'micro', hash: model.hash, licence: 'Apache-2.0 (nobody)', repository: null },
    ...(dataset !== undefined && { dataset }),
    run: null,
  };
}

/** What the engine answers with an adapter beside its model. */
async function answers(
  adapter: Adapter,
  { model, config }: Base,
  dataset = 0,
): Promise<Map<string, HostTensor>> {
  const [size, grid, side] = [config.imageSize, gridOf(config), lowResOf(config)];
  const image = Float32Array.from(normals(3 * size * size, 5));
  const session = await ModelSession.open(gpu, model, { ...adapter, dataset });
  await session.encode(image);
  const out = new Map<string, HostTensor>([['input.image', { shape: [1, 3, size, size], data: image }]]);
  const prompts = { points: { points: POINTS }, box: { points: [], box: BOX } };
  for (const [name, prompt] of Object.entries(prompts)) {
    const { lowResMasks, iou } = await session.sam.decode(packPrompts([prompt], config));
    out.set(`${name}.masks`, { shape: [4, side, side], data: lowResMasks });
    out.set(`${name}.iou`, { shape: [4], data: iou });
  }
  const { embedding } = await session.sam.embeddings();
  out.set('embedding', { shape: [grid, grid, config.outputChannels], data: embedding });
  await session.release();
  return out;
}

async function filesOf(form: string, source: ExportSource): Promise<ExportFile[]> {
  const files = [];
  for await (const file of exportFormById(form).write(source)) files.push(file);
  return files;
}

async function stored(path: string, bytes: Uint8Array): Promise<Uint8Array> {
  if (writes) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return new Uint8Array(await readFile(path));
}

const LORA = { lora: { rank: 3, alpha: 6, targets: 'all' } };
const DATASETS = ['a', 'b'];
/** Nothing is trained, as in a run that kept the base model. */
const UNTRAINED: MopeftRequest = { methods: [] };

interface Case {
  readonly name: string;
  readonly form: string;
  readonly request: MopeftRequest;
  readonly base?: string;
  readonly dataset?: string;
}
const CASES: readonly Case[] = [
  { name: 'base', form: 'merged', request: UNTRAINED },
  {
    name: 'merged',
    form: 'merged',
    request: { methods: MERGEABLE, gate: 'task', datasets: DATASETS },
    dataset: 'b',
  },
  {
    name: 'merged-sam2',
    form: 'merged',
    request: { methods: MERGEABLE, gate: 'hard', budget: 0.5 },
    base: 'sam2',
  },
  { name: 'sam2', form: 'sam', request: { methods: MERGEABLE, gate: 'hard', budget: 0.5 }, base: 'sam2' },
  { name: 'sam-tiny', form: 'sam', request: { methods: MERGEABLE, gate: 'hard', budget: 0.5 }, base: 'tiny' },
  {
    name: 'onnx-merged',
    form: 'onnx',
    request: { methods: MERGEABLE, gate: 'task', datasets: DATASETS },
    dataset: 'b',
  },
  // What cannot be merged, with gates that look at the image.
  {
    name: 'onnx',
    form: 'onnx',
    request: { methods: ['lora', 'prefix', 'adapter', 'conv_pass', 'bias_norm'], gate: 'mass' },
  },
  {
    name: 'onnx-token',
    form: 'onnx',
    request: {
      methods: ['prefix', 'ssf', 'full'],
      gate: 'hard',
      budget: 0.5,
      token: true,
      datasets: DATASETS,
    },
    dataset: 'b',
  },
  {
    name: 'onnx-tiny',
    form: 'onnx',
    request: { methods: ['lora', 'prefix', 'adaptformer'], gate: 'unipelt' },
    base: 'tiny',
  },
  {
    name: 'onnx-sam2',
    form: 'onnx',
    request: { methods: ['lora', 'prefix', 'adapter'], gate: 'unipelt' },
    base: 'sam2',
  },
  {
    name: 'peft-lora',
    form: 'peft',
    request: { methods: ['lora'], gate: 'task', datasets: DATASETS, settings: LORA },
    dataset: 'a',
  },
  { name: 'peft-lora-qv', form: 'peft', request: { methods: ['lora'], trainDecoder: false, blocks: [1] } },
  {
    name: 'peft-ia3',
    form: 'peft',
    request: { methods: ['ia3'], gate: 'budget', budget: 0.5, trainDecoder: false },
  },
];

describe('what is exported', () => {
  it.each(CASES)(
    '$name: lies in tests/vectors, with the answers of the engine',
    async ({ name, form, request, base: baseName = 'micro', dataset }) => {
      const base = baseNamed(baseName);
      const adapter = await trained(request, base);
      const source = sourceOf(adapter, base, dataset);
      expect(exportFormById(form).refusal(source)).toBeNull();
      for (const { path, bytes } of await filesOf(form, source)) {
        const before = await stored(`${FOLDER}${name}/${path}`, bytes);
        expect(Buffer.compare(before, bytes), path).toBe(0);
      }
      const now = await answers(adapter, base, dataset === undefined ? 0 : DATASETS.indexOf(dataset));
      const path = `${FOLDER}${name}.expected.safetensors`;
      const file = await Safetensors.open(bytesSource(path, await stored(path, writeSafetensors(now))));
      for (const [key, { data }] of now)
        expect(relativeError(data, (await file.read(key)).data), key).toBeLessThan(1e-5);
    },
  );

  it.each(CASES.filter(({ form }) => form === 'peft'))(
    '$name: comes back as it went out',
    async ({ form, request, dataset }) => {
      const base = baseNamed('micro');
      const adapter = { ...(await trained(request, base)), training: { scale: 96 } };
      const files = await filesOf(form, sourceOf(adapter, base, dataset));
      expect(new TextDecoder().decode(files.at(-1)?.bytes)).toContain('trained on crops of 96 pixels');
      const inputs = files.map(({ path, bytes }) => ({ path, bytes: async () => bytes }));
      const { adapter: back } = await readIncomingAdapter(
        inputs.filter(({ path }) => path !== 'README.md'),
        base.model,
      );
      expect(back.maskThreshold).toBe(adapter.maskThreshold);
      expect(back.preprocessing).toEqual(adapter.preprocessing);
      expect(scaleOfAdapter(back)).toBe(96);
      expect(Object.keys(back.mopeft.methods)).toEqual(Object.keys(adapter.mopeft.methods));
      expect(back.mopeft.methods.lora?.rank).toBe(adapter.mopeft.methods.lora?.rank);
      expect(back.mopeft.methods.lora?.targets).toBe(adapter.mopeft.methods.lora?.targets);
      const [before, after] = [await answers(adapter, base), await answers(back, base)];
      for (const [key, { data }] of before)
        expect(relativeError(after.get(key)?.data ?? new Float32Array(), data), key).toBeLessThan(1e-5);
    },
  );

  it('has no form in PEFT for a SAM 2, and is said to have others', async () => {
    const base = baseNamed('sam2');
    const adapter = await trained({ methods: ['lora'], gate: 'hard', budget: 0.5 }, base);
    const refused = exportFormById('peft').refusal(sourceOf(adapter, base));
    expect(refused?.what).toMatch(/another image encoder than a SamModel/);
    expect(refused?.cure).toMatch(/as merged.*or as onnx/);
    for (const form of ['merged', 'onnx', 'sam'])
      expect(exportFormById(form).refusal(sourceOf(adapter, base)), form).toBeNull();
  });

  // `onnx-merged` with an image as it lies: `python/tests/test_hub.py` holds them to each other.
  it('the encoder that takes an image as it lies is in tests/vectors', async () => {
    const base = baseNamed('micro');
    const adapter = await trained({ methods: MERGEABLE, gate: 'task', datasets: DATASETS }, base);
    const graphs = await tunedGraphs(sourceOf(adapter, base, 'b'));
    const bytes = rawImageEncoder(base.config, base.config.preprocessing, graphs);
    expect(Buffer.compare(await stored(`${FOLDER}raw_image_encoder.onnx`, bytes), bytes)).toBe(0);
  });

  it('LoRA whose gates look at the image has a form in PEFT with their means alone', async () => {
    const base = baseNamed('micro');
    const adapter = await trained({ methods: ['lora'], gate: 'unipelt', trainDecoder: false }, base);
    const source = sourceOf(adapter, base);
    expect(exportFormById('peft').refusal(source)?.what).toMatch(/differ from image to image/);
    const layers = [{ lora: 0.25 }, { lora: 0.75 }];
    const object = { boxIou: 0.5, clickIou: 0.25, bestPicked: null };
    const image = { name: 'a', objects: [object], gates: [{ lora: 0.2 }, { lora: 0.8 }], isReduced: false };
    const { said } = fixedGatesOf('cells', [image], [{ ...image, objects: [{ ...object, boxIou: 0.75 }] }]);
    expect(said).toMatch(/1 image of cells.*by box 0\.750 in place of 0\.500.*n = 1 objects.*0\.250 at most/);
    const files = await filesOf('peft', { ...source, fixedGates: { layers, said } });
    expect(new TextDecoder().decode(files.at(-1)?.bytes)).toContain(said);
    const inputs = files.slice(0, 2).map(({ path, bytes }) => ({ path, bytes: async () => bytes }));
    const { adapter: back } = await readIncomingAdapter(inputs, base.model);
    const [fixed, after] = [await answers(withFixedGates(adapter, layers), base), await answers(back, base)];
    for (const [key, { data }] of fixed)
      expect(relativeError(after.get(key)?.data ?? new Float32Array(), data), key).toBeLessThan(1e-5);
    const live = await answers(adapter, base);
    expect(
      relativeError(
        live.get('embedding')?.data ?? new Float32Array(),
        after.get('embedding')?.data ?? new Float32Array(),
      ),
    ).toBeGreaterThan(1e-3);
  });
});
