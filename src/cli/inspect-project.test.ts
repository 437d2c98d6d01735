import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DatasetStore } from '../data/dataset-store.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { inspectDataset } from '../data/inspect.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { projectFiles } from '../data/project/project-files.ts';
import { describeProject, encodeProject } from '../data/project/project-manifest.ts';
import { datasetPart } from '../data/project/project-parts.ts';
import { writeZip } from '../data/zip.ts';
import { inspect } from './inspect.ts';
import type { ProjectReport } from './inspect-project.ts';

const ID = 'cells-0123abcd';
const RUN = { id: '2026-11-28-12-00-00-0123abcd', name: 'First', model: 'abc', hasCheckpoint: true };
let folder: string;
let printed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-inspect-'));
  printed = '';
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed += `${text}\n`;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function projectZip(leftOut = ''): Promise<string> {
  const size = { width: 8, height: 6 };
  const image = encodeImagePng({ ...size, channels: 3, data: new Uint8Array(3 * 48) });
  const mask = encodeMaskPng({ ...size, data: new Int32Array(48).fill(1, 0, 8) });
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const samples = ['a.png', 'b.png'].map((name, i) => ({
    name,
    image: lazy(name, image),
    ...(i === 0 ? { mask: lazy(name, mask) } : {}),
  }));
  const store = new MemoryStore();
  await new DatasetStore(store).save(await inspectDataset({ name: 'cells', samples }), { id: ID });
  await store.write(`runs/${RUN.id}/run.json`, new Uint8Array(2 ** 20));
  const parts = {
    datasets: [{ id: ID, name: 'cells' }],
    runs: [RUN],
    models: [{ hash: 'abc', name: 'micro' }],
  };
  const run = { folder: `runs/${RUN.id}`, files: [{ path: 'run.json', size: 2 ** 20 }] };
  const files: Record<string, Uint8Array> = {};
  const description = encodeProject(describeProject(parts, 0));
  const nothing = () => undefined;
  for await (const file of projectFiles(store, description, [await datasetPart(store, ID), run], nothing))
    if (!file.path.endsWith(leftOut) || leftOut === '') files[file.path] = file.bytes;
  const path = join(folder, 'cells.mopeft.zip');
  await writeFile(path, await writeZip(files));
  return path;
}

it('says what a project holds', async () => {
  const path = await projectZip();
  expect(await inspect([path])).toBe(0);
  expect(printed).toContain('A project of the studio 0.1.0, written 1970-01-01 00:00 (UTC).');
  expect(printed).toContain('dataset cells: 2 images, 1 done, 0 in work, 1 object, 0.0 MiB');
  expect(printed).toContain('run First: of the model micro, with a checkpoint, 1.0 MiB');
});

it('names what of it is damaged', async () => {
  const path = await projectZip('images/b.png');
  expect(await inspect([path, '--json'])).toBe(1);
  const { datasets, runs, remarks } = JSON.parse(printed) as ProjectReport;
  expect([datasets, runs.length]).toEqual([[], 1]);
  expect(remarks).toMatchObject([
    { code: 'project/missing-file', severity: 'refused', file: `datasets/${ID}/images/b.png` },
  ]);
});
