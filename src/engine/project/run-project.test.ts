/**
 * The run of the engine in `tests/vectors/train`, exported with its datasets. `python/tests/test_train.py` lets `mopeft.train` go on with
 * the project that is kept there; `WRITE_VECTORS=1` writes it anew.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import { projectInZip } from '../../data/project/project-files.ts';
import { incomingDataset } from '../../data/project/project-parts.ts';
import { readZip, writeZip } from '../../data/zip.ts';
import { bytesSource } from '../../sam/checkpoint/byte-source.ts';
import { readCheckpoint } from '../../train/checkpoint.ts';
import { openFolderDataset } from '../datasets.ts';
import { RUN_FILES, RunFiles } from '../run/run-files.ts';
import { incomingRun } from './run-part.ts';
import { storeRunProject } from './run-project.ts';
import { prepareProject } from './write-project.ts';

const vectors = fileURLToPath(new URL('../../../tests/vectors/', import.meta.url));
const VECTOR = `${vectors}train/engine.mopeft.zip`;
const ABOUT = { name: 'first', created: 0 };

function filesBelow(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const at = `${entry.parentPath}/${entry.name}`;
    if (!entry.isFile()) return [];
    const bytes = new Uint8Array(readFileSync(at));
    return [{ path: at.slice(folder.length + 1), size: bytes.length, bytes: async () => bytes }];
  });
}

async function engineRun(): Promise<RunFiles> {
  const run = new RunFiles(new MemoryStore(), 'run');
  for (const { path, bytes } of filesBelow(`${vectors}train/engine`))
    await run.store.write(run.path(path), await bytes());
  return run;
}

const twinSet = (name: string) => openFolderDataset(filesBelow(`${vectors}twin/${name}`), name);

/** The run's project by path. */
async function exported(): Promise<Map<string, Uint8Array>> {
  const store = new MemoryStore();
  const given = [await twinSet('stripes'), await twinSet('blobs')];
  const items = await storeRunProject(store, await engineRun(), given, ABOUT);
  const { files } = await prepareProject(store, items, 0);
  const all = new Map<string, Uint8Array>();
  for await (const { path, bytes } of files(() => undefined)) all.set(path, bytes);
  return all;
}

it('is the project with which Python goes on', async () => {
  const files = await exported();
  if (process.env.WRITE_VECTORS === '1') {
    await writeFile(VECTOR, await writeZip(Object.fromEntries(files)));
    return;
  }
  const kept = await readZip(new Uint8Array(readFileSync(VECTOR)), 'p');
  expect([...files.keys()].sort()).toEqual(kept.files.map(({ path }) => path).sort());
  for (const { path, bytes } of kept.files) expect(files.get(path), path).toEqual(await bytes());
});

it('has a run whose files name the datasets by their ids in the project', async () => {
  const project = await projectInZip(bytesSource('p', new Uint8Array(readFileSync(VECTOR))), 'p');
  const { datasets = [], runs = [], models } = project?.manifest ?? {};
  expect(datasets.map(({ name }) => name)).toEqual(['blobs', 'stripes']);
  expect(runs).toMatchObject([{ name: 'first', hasCheckpoint: true }]);
  const [run] = runs;
  expect(models).toEqual([{ hash: run?.model, name: 'model' }]);
  const { files, record } = await incomingRun(project?.folders.get(`runs/${run?.id}`) ?? new Map(), 'run');
  const ids = datasets.map(({ id }) => id);
  expect(record).toMatchObject({
    ...{ status: 'interrupted', step: 2, steps: 4, checkpointStep: 2, failure: null },
    datasets: datasets.map(({ id, name }) => ({ id, name })),
    settings: { datasetIds: ids, methods: ['lora', 'prefix', 'adapter'], trainDecoder: false },
  });
  const own = new RunFiles(new MemoryStore(), 'run');
  for (const [path, file] of files) await own.store.write(own.path(path), await file.bytes());
  const before = await engineRun();
  const split = await own.readSplit();
  expect(Object.keys(split)).toEqual(ids);
  expect(Object.values(split)).toEqual(Object.values(await before.readSplit()));
  const evaluated = (await own.readMetrics()).flatMap((line) => (line.type === 'eval' ? [line.dataset] : []));
  expect(new Set(evaluated)).toEqual(new Set(ids));
  const [was, is] = await Promise.all(
    [before, own].map(async (each) => {
      const bytes = await each.readIfThere(RUN_FILES.checkpoint);
      return (await readCheckpoint(bytes ?? new Uint8Array(), 'checkpoint')).state;
    }),
  );
  expect(is?.startSums?.map(({ key }) => key)).toEqual(ids);
  expect({ ...is, startSums: null }).toEqual({ ...was, startSums: null });
  for (const { id, name } of datasets) {
    const { manifest } = await incomingDataset(project?.folders.get(`datasets/${id}`) ?? new Map(), id);
    expect([manifest.name, manifest.scale, manifest.samples.length]).toEqual([name, 'whole', 7]);
  }
});

it('refuses what would not go on: a dataset that is not given, one given twice, an image that is gone', async () => {
  const run = await engineRun();
  const [blobs, stripes] = [await twinSet('blobs'), await twinSet('stripes')];
  const store = () => new MemoryStore();
  const stored = (given: readonly (typeof blobs)[]) => storeRunProject(store(), run, given, ABOUT);
  await expect(stored([blobs])).rejects.toMatchObject({
    record: { code: 'run/no-datasets', where: 'stripes' },
  });
  const [, ...rest] = stripes.dataset.samples;
  const less = { ...stripes, dataset: { ...stripes.dataset, samples: rest } };
  await expect(stored([blobs, less])).rejects.toMatchObject({ record: { code: 'run/images-gone' } });
  const config = await run.readConfig();
  await run.writeConfig({ ...config, datasets: ['blobs', 'stripes'].map((key) => ({ key, name: 'blobs' })) });
  const again = { ...blobs, dataset: { ...blobs.dataset, name: 'stripes' } };
  await expect(stored([blobs, again])).rejects.toMatchObject({ record: { code: 'run/same-dataset' } });
});
