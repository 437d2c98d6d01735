import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeImagePng } from '../data/encode-png.ts';
import { readImage } from './read-image.ts';

const folder = await mkdtemp(join(tmpdir(), 'mopeft-image-'));
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('an image is read', async () => {
  const png = encodeImagePng({ width: 3, height: 2, channels: 3, data: new Uint8Array(18) });
  expect(await readImage(await file('a.png', png))).toMatchObject({ width: 3, height: 2 });
});

test('what is no image by itself is named, with its path and where it is read', async () => {
  const path = await file('a.txt', '0 0.1 0.1 0.9 0.1 0.5 0.9\n');
  await expect(readImage(path)).rejects.toMatchObject({
    record: {
      code: 'segment/not-one-image',
      what: expect.stringMatching(/masks or outlines/),
      where: path,
      cure: expect.stringMatching(/mopeft inspect/),
    },
  });
});

test('what is not there, and a folder, are said', async () => {
  for (const path of [join(folder, 'none.png'), folder])
    await expect(readImage(path)).rejects.toMatchObject({ record: { code: 'cli/no-image', where: path } });
});
