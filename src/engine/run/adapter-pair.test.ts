import { expect, test } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import { writeZip } from '../../data/zip.ts';
import { sizeOf } from '../../graph/shape.ts';
import { writeAdapter } from '../../peft/adapter-file.ts';
import { resolveMopeft } from '../../peft/resolve.ts';
import { trainableTensors } from '../../peft/tensors.ts';
import { MICRO_SAM } from '../../testing/micro-model.ts';
import {
  adapterFiles,
  isAdapterZip,
  readIncomingAdapter,
  readRunAdapter,
  storeAdapterFiles,
} from './adapter-files.ts';
import { RUN_FILES, RunFiles } from './run-files.ts';

const weightless = { values: async () => new Float32Array() };
const MODEL = { name: 'micro', hash: 'abc', config: MICRO_SAM, weights: weightless };

/** A run's adapter as versions kept it that stored the modules of every step, in two files or with its record within. */
async function stored(step: number | undefined) {
  const mopeft = resolveMopeft({ methods: ['lora', 'prefix'] }, MICRO_SAM);
  const tensors = new Map(
    trainableTensors(mopeft, MICRO_SAM).map(({ name, shape }) => [
      name,
      { shape, data: new Float32Array(sizeOf(shape)).fill(0.5) },
    ]),
  );
  const training = { run: 'cells', ...(step !== undefined && { step }), score: 0.5 };
  const { json, safetensors } = writeAdapter(MODEL, { mopeft, tensors, maskThreshold: 0.5, training });
  const files = new RunFiles(new MemoryStore(), 'run');
  await files.store.write(files.path(RUN_FILES.adapter), safetensors);
  await files.writeText(RUN_FILES.adapterJson, json);
  return { files, safetensors };
}

test('a run that has no weights yet is told from one whose weights are gone', async () => {
  const { files } = await stored(4);
  await files.store.remove(files.path(RUN_FILES.adapter));
  await expect(adapterFiles(files)).rejects.toMatchObject({ record: { code: 'run/adapter-gone' } });
  await files.store.remove(files.path(RUN_FILES.adapterJson));
  await expect(adapterFiles(files)).rejects.toMatchObject({ record: { code: 'run/no-adapter' } });
});

test('the adapter of a run that kept step 0 is the base model, though an earlier version stored its untrained modules', async () => {
  const { files, safetensors } = await stored(0);
  const base = { mopeft: { methods: {}, blocks: [], trainDecoder: false }, maskThreshold: 0 };
  const read = await readRunAdapter(files, MODEL);
  expect(read).toMatchObject({ ...base, training: { run: 'cells', step: 0, score: 0.5 } });
  expect(read.tensors.size).toBe(0);
  // What leaves, and comes back, is the base model too.
  const { weights, json } = await adapterFiles(files);
  expect(JSON.parse(new TextDecoder().decode(json.bytes))).toMatchObject({ mopeft: base.mopeft });
  const out = { path: weights.name, bytes: async () => weights.bytes };
  expect((await readIncomingAdapter([out], MODEL)).adapter.tensors.size).toBe(0);
  // So is one that an earlier version wrote.
  const old = { path: 'adapter.safetensors', bytes: async () => safetensors };
  const imported = new RunFiles(new MemoryStore(), 'imported');
  expect((await storeAdapterFiles([old], MODEL, imported)).tensors.size).toBe(0);
  expect((await readRunAdapter(imported, MODEL)).mopeft).toMatchObject(base.mopeft);
});

test.each([7, undefined])('an adapter of step %s stays as it is, byte for byte', async (step) => {
  const { files, safetensors } = await stored(step);
  const { weights } = await adapterFiles(files);
  expect(weights.bytes).toEqual(safetensors);
  expect((await readRunAdapter(files, MODEL)).mopeft.methods).toHaveProperty('lora');
});

test.each([
  [['adapter.safetensors', 'adapter.json'], true],
  [['lora/adapter_model.bin', 'lora/README.md'], true],
  [['run/adapter.safetensors', 'images/a.png'], false],
  [['model.safetensors', 'config.json'], false],
])('a zip of %j is one of an adapter: %s', async (names, isAdapter) => {
  const zip = await writeZip(Object.fromEntries(names.map((name) => [name, new Uint8Array(9)])));
  expect(
    await isAdapterZip({ size: zip.length, read: async (at, length) => zip.slice(at, at + length) }, 'a.zip'),
  ).toBe(isAdapter);
  expect(await isAdapterZip({ size: 9, read: async () => new Uint8Array(9) }, 'a.zip')).toBe(false);
});
