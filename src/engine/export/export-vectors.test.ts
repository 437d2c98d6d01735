/**
 * Exports of a micro model, which lie in `tests/vectors/export` byte for byte, with the answers of the engine: other programs
 * open the same files (`python/tests/test_hub.py`). `MOPEFT_WRITE_VECTORS=1` writes them anew.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MopeftRequest } from '../../config/mopeft.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { Adapter } from '../../peft/adapter-file.ts';
import { METHODS } from '../../peft/registry.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { moduleTensors, trainableTensors } from '../../peft/tensors.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { Safetensors } from '../../sam/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../sam/checkpoint/safetensors-write.ts';
import type { HostTensor } from '../../sam/checkpoint/tensor-file.ts';
import { packPrompts } from '../../sam/prompts.ts';
import type { SamModel } from '../../sam/weights.ts';
import { relativeError } from '../../testing/allclose.ts';
import { openTestGpu } from '../../testing/device.ts';
import { MICRO_SAM, microTensor, openMicroModel } from '../../testing/micro-model.ts';
import { normals } from '../../testing/random.ts';
import { readIncomingAdapter } from '../run/adapter-files.ts';
import { baseOf } from '../run/adapter-pair.ts';
import { ModelSession } from '../tuning.ts';
import type { ExportFile, ExportSource } from './export-form.ts';
import { exportFormById } from './registry.ts';

const FOLDER = fileURLToPath(new URL('../../../tests/vectors/export/', import.meta.url));
const writes = process.env.MOPEFT_WRITE_VECTORS === '1';
const IMAGE = Float32Array.from(normals(3 * 32 * 32, 5));
const POINTS = [
  { x: 9, y: 20, positive: true },
  { x: 25.5, y: 6, positive: false },
];
const BOX = [4, 6, 21, 29] as const;
const MERGEABLE = METHODS.filter(({ merge }) => merge).map(({ id }) => id);

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  model = await openMicroModel(gpu);
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});

/** Values as after a training, none of which is 0; the decoder's are near the base model's. */
function trained(request: MopeftRequest): Adapter {
  const resolved = resolveMopeft(request, MICRO_SAM);
  const mopeft = request === BASE ? baseOf(resolved) : resolved;
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, init } of moduleTensors(mopeft, MICRO_SAM)) {
    const isDecided = /\.(alpha|open)$/.test(name);
    const data = init(3).map((value, i) => value + (isDecided ? 0 : 0.2 * Math.sin(1 + 2 * i)));
    tensors.set(name, { shape, data });
  }
  for (const { name, shape } of trainableTensors(mopeft, MICRO_SAM)) {
    if (tensors.has(name)) continue;
    const { data } = microTensor(MICRO_SAM, name);
    tensors.set(name, { shape, data: data.map((value, i) => value + 0.05 * Math.sin(i)) });
  }
  return { mopeft, tensors, preprocessing: MICRO_SAM.preprocessing, maskThreshold: 0.25, training: {} };
}

function sourceOf(adapter: Adapter, dataset?: string): ExportSource {
  return {
    adapter,
    checkpoint: { config: MICRO_SAM, read: async (name) => microTensor(MICRO_SAM, name) },
    base: { name: 'micro', hash: model.hash, licence: 'Apache-2.0 (nobody)', repository: null },
    ...(dataset !== undefined && { dataset }),
    run: null,
  };
}

/** What the engine answers with an adapter beside its model. */
async function answers(adapter: Adapter, dataset = 0): Promise<Map<string, HostTensor>> {
  const session = await ModelSession.open(gpu, model, { ...adapter, dataset });
  await session.encode(IMAGE);
  const out = new Map<string, HostTensor>([['input.image', { shape: [1, 3, 32, 32], data: IMAGE }]]);
  const prompts = { points: { points: POINTS }, box: { points: [], box: BOX } };
  for (const [name, prompt] of Object.entries(prompts)) {
    const { lowResMasks, iou } = await session.sam.decode(packPrompts([prompt]));
    out.set(`${name}.masks`, { shape: [4, 16, 16], data: lowResMasks });
    out.set(`${name}.iou`, { shape: [4], data: iou });
  }
  const { embedding } = await session.sam.embeddings();
  out.set('embedding', { shape: [4, 4, 16], data: embedding });
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
const task: MopeftRequest = { methods: MERGEABLE, gate: 'task', datasets: ['a', 'b'] };
/** Nothing is trained, as in a run that kept the base model. */
const BASE: MopeftRequest = { methods: [] };
const CASES: [name: string, form: string, request: MopeftRequest, dataset: string | undefined][] = [
  ['base', 'merged', BASE, undefined],
  ['merged', 'merged', task, 'b'],
  ['peft-lora', 'peft', { methods: ['lora'], gate: 'task', datasets: ['a', 'b'], settings: LORA }, 'a'],
  ['peft-lora-qv', 'peft', { methods: ['lora'], trainDecoder: false, blocks: [1] }, undefined],
  ['peft-ia3', 'peft', { methods: ['ia3'], gate: 'budget', budget: 0.5, trainDecoder: false }, undefined],
];

describe('what is exported', () => {
  it.each(CASES)(
    '%s: lies in tests/vectors, with the answers of the engine',
    async (name, form, request, dataset) => {
      const adapter = trained(request);
      const source = sourceOf(adapter, dataset);
      expect(exportFormById(form).refusal(source)).toBeNull();
      for (const { path, bytes } of await filesOf(form, source)) {
        const before = await stored(`${FOLDER}${name}/${path}`, bytes);
        expect(Buffer.compare(before, bytes), path).toBe(0);
      }
      const now = await answers(
        adapter,
        dataset === undefined ? 0 : adapter.mopeft.datasets?.indexOf(dataset),
      );
      const path = `${FOLDER}${name}.expected.safetensors`;
      const file = await Safetensors.open(bytesSource(path, await stored(path, writeSafetensors(now))));
      for (const [key, { data }] of now)
        expect(relativeError(data, (await file.read(key)).data), key).toBeLessThan(1e-5);
    },
  );

  it.each(CASES.filter(([, form]) => form === 'peft'))(
    '%s: comes back as it went out',
    async (_, form, request, dataset) => {
      const adapter = trained(request);
      const files = await filesOf(form, sourceOf(adapter, dataset));
      const inputs = files.map(({ path, bytes }) => ({ path, bytes: async () => bytes }));
      const { adapter: back } = await readIncomingAdapter(
        inputs.filter(({ path }) => path !== 'README.md'),
        model,
      );
      expect(back.maskThreshold).toBe(adapter.maskThreshold);
      expect(back.preprocessing).toEqual(adapter.preprocessing);
      expect(Object.keys(back.mopeft.methods)).toEqual(Object.keys(adapter.mopeft.methods));
      expect(back.mopeft.methods.lora?.rank).toBe(adapter.mopeft.methods.lora?.rank);
      expect(back.mopeft.methods.lora?.targets).toBe(adapter.mopeft.methods.lora?.targets);
      const [before, after] = [await answers(adapter), await answers(back)];
      for (const [key, { data }] of before)
        expect(relativeError(after.get(key)?.data ?? new Float32Array(), data), key).toBeLessThan(1e-5);
    },
  );
});
