import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { incomingRun } from '../engine/project/run-part.ts';
import { exportProject } from './export-project.ts';
import { openProject } from './inspect-project.ts';

const vectors = fileURLToPath(new URL('../../tests/vectors/', import.meta.url));
const RUN = ['--run', `${vectors}train/engine`, '--as', 'project'];
const DATA = ['blobs', 'stripes'].flatMap((name) => ['--data', `${vectors}twin/${name}`]);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-project-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes a project whose run can go on, and nothing beside it', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const out = join(folder, 'cells.mopeft.zip');
  expect(await exportProject([...RUN, ...DATA, '--out', out], '')).toBe(0);
  expect(log.mock.calls[0]?.[0]).toMatch(/A project of 2 datasets and the run engine, 38 files/);
  log.mockRestore();
  const project = await openProject(out);
  const [run] = project?.manifest.runs ?? [];
  const { record } = await incomingRun(project?.folders.get(`runs/${run?.id}`) ?? new Map(), 'run');
  expect(record).toMatchObject({ name: 'engine', status: 'interrupted', checkpointStep: 2 });
  expect(await readdir(folder)).toEqual(['cells.mopeft.zip']);
  await expect(exportProject([...RUN, ...DATA, '--out', out], '')).rejects.toMatchObject({
    record: { code: 'cli/out-exists', where: out },
  });
});

it('leaves nothing where a dataset of the run is missing', async () => {
  const some = [...RUN, ...DATA.slice(0, 2), '--out', join(folder, 'less.zip')];
  await expect(exportProject(some, '')).rejects.toMatchObject({ record: { where: 'stripes' } });
  expect((await readdir(folder)).filter((name) => /less|^\./.test(name))).toEqual([]);
});
