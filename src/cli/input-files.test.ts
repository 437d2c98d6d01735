import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderFiles, modelSources } from './input-files.ts';

let folder: string;
const put = async (...paths: string[]): Promise<void> => {
  for (const path of paths) await writeFile(join(folder, path), 'x');
};
const namesOf = async (path: string): Promise<string[]> =>
  (await modelSources(join(folder, path))).map(({ name }) => name.replace(/^.*\//, '')).sort();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-inputs-'));
  for (const name of ['set/images', 'elsewhere', 'model', 'snapshot'])
    await mkdir(join(folder, name), { recursive: true });
  await put('elsewhere/a.png', 'set/images/b.png', 'notes.txt');
  await symlink(join(folder, 'elsewhere'), join(folder, 'set/masks'));
  await symlink(join(folder, 'set/images/b.png'), join(folder, 'set/images/c.png'));
  await symlink(join(folder, 'set'), join(folder, 'set/images/round'));
  await symlink(join(folder, 'gone.png'), join(folder, 'set/lost.png'));
  await put('model/config.json', 'model/preprocessor_config.json', 'model/other.pth', 'model/trainer.json');
  await put(
    'model/m-00001-of-00002.safetensors',
    'model/m-00002-of-00002.safetensors',
    'model/m.safetensors.index.json',
  );
  await symlink(join(folder, 'model/other.pth'), join(folder, 'snapshot/sam.pth'));
});
afterAll(() => rm(folder, { recursive: true }));

test('links lead to what they name, and none round in a circle', async () => {
  const files = await folderFiles(join(folder, 'set'));
  const paths = ['images/b.png', 'images/c.png', 'lost.png', 'masks/a.png'];
  expect(files.map(({ path }) => path).sort()).toEqual(paths);
  expect(await namesOf('snapshot')).toEqual(['sam.pth']);
});

test('links to what is not there are named', async () => {
  const what = expect.stringMatching(/link to .*gone\.\w+, which is not there/);
  const files = await folderFiles(join(folder, 'set'));
  const lost = files.find(({ path }) => path === 'lost.png');
  await expect(lost?.bytes()).rejects.toMatchObject({ record: { code: 'cli/broken-link', what } });
  await mkdir(join(folder, 'cleaned'));
  const weights = join(folder, 'cleaned/model.safetensors');
  await symlink(join(folder, 'gone.safetensors'), weights);
  for (const path of [weights, join(folder, 'cleaned')]) {
    await expect(modelSources(path)).rejects.toMatchObject({
      record: { code: 'cli/broken-link', what, where: weights },
    });
  }
  await put('cleaned/other.pth');
  expect(await namesOf('cleaned')).toEqual(['other.pth']);
});

test('a file of weights comes with what says how it is used, and with its other parts', async () => {
  const described = ['config.json', 'preprocessor_config.json'];
  expect(await namesOf('model/other.pth')).toEqual([...described, 'other.pth'].sort());
  const parts = ['m-00001-of-00002.safetensors', 'm-00002-of-00002.safetensors', 'm.safetensors.index.json'];
  expect(await namesOf('model/m-00002-of-00002.safetensors')).toEqual([...described, ...parts].sort());
  expect(await namesOf('model/m.safetensors.index.json')).toEqual([...described, ...parts].sort());
  expect(await namesOf('notes.txt')).toEqual(['notes.txt']);
});

test('files of a folder have their sizes, by which images are compared before they are read', async () => {
  const files = await folderFiles(join(folder, 'set'));
  expect(files.map(({ path, size }) => [path, size])).toEqual(
    expect.arrayContaining(['images/b.png', 'images/c.png', 'masks/a.png'].map((path) => [path, 1])),
  );
});

test('weights that lie deeper are named', async () => {
  const hub = join(folder, 'hub');
  for (const [i, at] of ['models--sam/snapshots/1', 'models--sam/refs'].entries()) {
    await mkdir(join(hub, at), { recursive: true });
    await put(`hub/${at}/${['model.safetensors', 'main'][i]}`);
  }
  await expect(modelSources(hub)).rejects.toMatchObject({
    record: {
      code: 'model/no-weights',
      where: hub,
      cure: `Give ${join(hub, 'models--sam/snapshots/1')} in its place.`,
    },
  });
  // The sizes of a model alone are enough for a plan.
  await put('hub/config.json');
  expect(await namesOf('hub')).toEqual(['config.json']);
});

test('what is not there is told from what is no folder', async () => {
  await expect(folderFiles(join(folder, 'nowhere'))).rejects.toThrow('There is no such file or folder.');
  await expect(folderFiles(join(folder, 'notes.txt'))).rejects.toThrow('This is not a folder.');
  await expect(folderFiles('~/nowhere')).rejects.toMatchObject({
    record: { cure: expect.stringContaining('home folder') },
  });
});
