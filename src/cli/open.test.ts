import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { runDataset } from '../engine/datasets.ts';
import { opposedDatasets } from '../engine/run/opposed.ts';
import { drawSample } from '../testing/training-sets.ts';
import { openData, trainedScale, trainedSplit } from './open.ts';

const trained = fileURLToPath(new URL('../../tests/vectors/train/engine/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-open-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the scale of a training', () => {
  const adapter = (scale?: number) => ({ training: scale === undefined ? {} : { scale } });

  /** A run of datasets at these scales. */
  async function run(name: string, scales: Readonly<Record<string, number | undefined>>): Promise<string> {
    const at = join(folder, name);
    await mkdir(at);
    const config = JSON.parse(await readFile(join(trained, 'config.json'), 'utf8'));
    const datasets = Object.entries(scales).map(([key, scale]) => ({ key, name: key, scale }));
    await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, datasets }));
    await writeFile(join(at, 'split.json'), '{}');
    return at;
  }

  it('is that at which a run saw the dataset of this name', async () => {
    const mixed = await run('mixed', { cells: 64, cracks: 256, sky: undefined });
    const scales = ['cells', 'cracks', 'sky', 'other'].map((name) => trainedScale(mixed, adapter(), name));
    expect(await Promise.all(scales)).toEqual([64, 256, 'whole', null]);
    expect(await trainedScale(await run('alike', { cells: 64, cracks: 64 }), adapter(64), 'other')).toBe(64);
  });

  it('is what an adapter says where its run is not there', async () => {
    expect(await trainedScale(folder, adapter(96), 'cells')).toBe(96);
    expect(await trainedScale(folder, adapter(), 'cells')).toBe('whole');
  });
});

it('knows how a run split a dataset that it calls by a key of its own', async () => {
  const at = join(folder, 'studio');
  await mkdir(at);
  const config = JSON.parse(await readFile(join(trained, 'config.json'), 'utf8'));
  const datasets = [{ key: 'cells-0123abcd', name: 'cells' }];
  const split = { train: ['a.png'], val: [], test: ['b.png'] };
  await writeFile(join(at, 'config.json'), JSON.stringify({ ...config, datasets }));
  await writeFile(join(at, 'split.json'), JSON.stringify({ 'cells-0123abcd': split }));
  expect(await trainedSplit(at, 'cells')).toEqual(split);
  expect(await trainedSplit(at, 'cracks')).toBeNull();
  expect(await trainedSplit(folder, 'cells')).toBeNull();
});

it('opens folders in which datasets that contradict each other are told', async () => {
  const { image, labelling } = drawSample('0.png', 5);
  if (!labelling) throw new Error('the drawn sample has no mask');
  const { width, height, data } = labelling.labelMap;
  const masks = { cells: data, halves: data.map((_, i) => (i % width < width / 2 ? 1 : 0)) };
  const opened = await Promise.all(
    Object.entries(masks).map(async ([name, mask]) => {
      for (const kind of ['images', 'masks']) await mkdir(join(folder, name, kind), { recursive: true });
      await writeFile(join(folder, name, 'images/0.png'), encodeImagePng(image));
      await writeFile(join(folder, name, 'masks/0.png'), encodeMaskPng({ width, height, data: mask }));
      const { dataset } = await openData(join(folder, name));
      return runDataset({ key: name, name }, dataset, 0, 'shuffled');
    }),
  );
  expect(opposedDatasets(opened)).toMatchObject([{ names: ['cells', 'halves'], images: 1 }]);
});
