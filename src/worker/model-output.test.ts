import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../config/failure.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { readZip } from '../data/zip.ts';
import { type OpenModel, openModel } from '../engine/model.ts';
import { RunFiles } from '../engine/run/run-files.ts';
import type { Gpu } from '../gpu/gpu.ts';
import { writeAdapter } from '../peft/adapter-file.ts';
import { resolveMopeft } from '../peft/resolve.ts';
import { moduleTensors } from '../peft/tensors.ts';
import { bytesSource } from '../sam/checkpoint/byte-source.ts';
import { openTestGpu } from '../testing/device.ts';
import type { CurrentModel } from './engine-state.ts';
import { exportChoices, exportRun } from './model-output.ts';
import type { RunInfo } from './protocol.ts';

const hf = (name: string) => fileURLToPath(new URL(`../../tests/vectors/hf/${name}`, import.meta.url));

let gpu: Gpu;
let open: OpenModel;
const sources = async () =>
  Promise.all(
    ['model.safetensors', 'config.json'].map(async (name) => bytesSource(name, await readFile(hf(name)))),
  );
beforeAll(async () => {
  gpu = await openTestGpu();
  open = await openModel(gpu, await sources(), { name: 'tiny' });
});
afterAll(() => {
  open?.weights.release();
  gpu?.destroy();
});

/** The engine with a run of a method as its only one. */
async function engineWith(method: string): Promise<Parameters<typeof exportChoices>[0]> {
  const mopeft = resolveMopeft({ methods: [method], trainDecoder: false }, open.config);
  const tensors = new Map(
    moduleTensors(mopeft, open.config).map(({ name, shape, init }) => [
      name,
      { shape, data: init(1).map((value, i) => value + 0.1 * Math.sin(i)) },
    ]),
  );
  const files = new RunFiles(new MemoryStore(), 'runs/run');
  const { safetensors, json } = writeAdapter(open, { mopeft, tensors, maskThreshold: 0, training: {} });
  await files.store.write(files.path('adapter.safetensors'), safetensors);
  await files.writeText('adapter.json', json);
  const origin = {
    source: 'file',
    embeddedId: null,
    catalogueId: null,
    name: 'tiny',
    licence: '',
    files: sources,
  };
  const current = { open, origin } as unknown as CurrentModel;
  return {
    state: { needModel: () => current },
    training: { need: async () => ({ name: 'My run' }) as RunInfo, repository: { filesOf: () => files } },
  };
}

test('a run of LoRA leaves as a merged model, in a zip that opens as one', async () => {
  const engine = await engineWith('lora');
  const { forms, datasets } = await exportChoices(engine, 'run');
  expect(datasets).toEqual([]);
  expect(forms.filter(({ refusal }) => refusal === null).map(({ id }) => id)).toEqual([
    'merged',
    'peft',
    'onnx',
    'sam',
    'adapter',
  ]);
  const labels: string[] = [];
  const call = {
    signal: new AbortController().signal,
    progress: ({ label }: { readonly label: string }) => labels.push(label),
  };
  const request = { runId: 'run', form: 'merged', dataset: null, to: null };
  const { file } = await exportRun(engine, request, call);
  if (!file) throw new Error('no file');
  expect(labels.at(-1)).toBe('Writing README.md');
  const { files } = await readZip(new Uint8Array(await file.arrayBuffer()), 'merged.zip');
  const unpacked = await Promise.all(files.map(async (each) => bytesSource(each.path, await each.bytes())));
  const merged = await openModel(gpu, unpacked);
  expect(merged.hash).not.toBe(open.hash);
  expect({ ...merged.config, preprocessing: null }).toEqual({ ...open.config, preprocessing: null });
  merged.weights.release();
});

test('says of a run with a prefix what it cannot be, and why', async () => {
  const { forms } = await exportChoices(await engineWith('prefix'), 'run');
  // The micro model is too small for it, whatever it was tuned with.
  const refused = forms.filter(({ id, refusal }) => refusal !== null && id !== 'anylabeling');
  expect(refused.map(({ id }) => id)).toEqual(['merged', 'peft', 'sam']);
  for (const { refusal } of refused) expect(refusal?.what).toMatch(/Prefix/);
});

test('a run that another tab deleted is named as gone, not as one without weights', async () => {
  const engine = await engineWith('lora');
  const gone = new Failure({ code: 'run/unknown', what: 'Gone.', cure: 'Reload.' });
  const need = async (): Promise<never> => {
    throw gone;
  };
  const there = new RunFiles(new MemoryStore(), 'run');
  const training = { need, repository: { filesOf: () => there } };
  await expect(exportChoices({ ...engine, training }, 'run')).rejects.toBe(gone);
});
