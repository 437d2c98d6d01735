import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { drawSample } from '../testing/training-sets.ts';
import { understoodDrop } from '../testing/understood-drop.ts';
import { labels } from './labels.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mopeft-labels-'));
  for (const set of ['cells', 'rocks']) {
    await mkdir(join(folder, set, 'images'), { recursive: true });
    await mkdir(join(folder, set, 'masks'));
    for (const name of ['1.png', '2.png', '3.png']) {
      const { image, labelling } = drawSample(name, 1);
      await writeFile(join(folder, set, 'images', name), encodeImagePng(image));
      if (labelling && name !== '3.png')
        await writeFile(join(folder, set, 'masks', name), encodeMaskPng(labelling.labelMap));
    }
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** The command with its words, and what it printed. */
async function run(...args: readonly string[]) {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
  const error = vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
  try {
    return { code: await labels(args), said };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

test('a folder goes out as files in another format', async () => {
  const out = join(folder, 'yolo');
  const { code, said } = await run(
    '--data',
    join(folder, 'cells'),
    '--format',
    'yolo',
    '--out',
    out,
    '--images',
  );
  expect(code).toBe(0);
  expect(said).toContain('cells: 2 images, 4 objects, 1 without labels left out');
  expect((await readdir(out, { recursive: true })).sort()).toEqual([
    'data.yaml',
    'images',
    'images/1.png',
    'images/2.png',
    'labels',
    'labels/1.txt',
    'labels/2.txt',
  ]);
  await expect(run('--data', join(folder, 'cells'), '--format', 'yolo', '--out', out)).rejects.toMatchObject({
    record: { code: 'cli/folder-in-use', where: out },
  });
});

test('several datasets go out as one zip with a folder for each', async () => {
  const out = join(folder, 'both.zip');
  const { said } = await run(
    join(folder, 'cells'),
    join(folder, 'rocks'),
    '--format',
    'labelme',
    '--out',
    out,
    '--images',
  );
  expect(said.at(-1)).toBe(`${out}: 8 files as LabelMe`);
  const { images, remarks } = await understoodDrop({ 'both.zip': new Uint8Array(await readFile(out)) });
  expect(remarks).toEqual([]);
  expect(Object.keys(images).sort()).toEqual(
    ['cells/1.png', 'cells/2.png', 'rocks/1.png', 'rocks/2.png'].map((path) => `both.zip/${path}`),
  );
  expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  const before = await readFile(out);
  const again = run(join(folder, 'rocks'), '--format', 'coco', '--out', out);
  await expect(again).rejects.toMatchObject({ record: { code: 'cli/out-exists', where: out } });
  expect(await readFile(out)).toEqual(before);
  const inFile = run(join(folder, 'rocks'), '--format', 'coco', '--out', join(out, 'below.zip'));
  await expect(inFile).rejects.toMatchObject({ record: { code: 'cli/not-written' } });
});

test('what is wrong with the words is said, and nothing is written', async () => {
  const cells = join(folder, 'cells');
  const out = join(folder, 'new');
  const code = { record: { code: 'cli/arguments' } };
  await expect(run('--format', 'coco', '--out', out)).rejects.toMatchObject(code);
  await expect(run(cells, '--out', out)).rejects.toMatchObject(code);
  await expect(run(cells, '--format', 'cocoa', '--out', out)).rejects.toMatchObject(code);
  await expect(run(cells, '--format', 'csv', '--out', out, '--pixel-size', 'small')).rejects.toMatchObject(
    code,
  );
  await mkdir(join(folder, 'empty'));
  await expect(run(join(folder, 'empty'), '--format', 'coco', '--out', out)).rejects.toMatchObject({
    record: { code: 'data/no-labels' },
  });
  expect(await readdir(folder)).not.toContain('new');
});
