import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolders } from './make-folders.ts';
import { NodeStore } from './node-store.ts';
import { writeOut } from './write-files.ts';

it('makes a folder with those that it lies in, also twice at once, and names the file that stands in its way', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'folders-'));
  try {
    const deep = join(folder, 'a', 'b', 'c');
    await Promise.all([makeFolders(deep), makeFolders(join(deep, 'd'))]);
    expect((await stat(join(deep, 'd'))).isDirectory()).toBe(true);
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const out of [join(file, 'x.png'), join(file, 'y', 'x.png')]) {
      await expect(writeOut(out, '')).rejects.toMatchObject({
        record: { code: 'cli/not-written', what: expect.stringContaining(`${file} is a file`) },
      });
      await expect(new NodeStore(out).append('a/b', Uint8Array.of(1))).rejects.toMatchObject({
        record: { code: 'storage/failed', what: expect.stringContaining('could not be made') },
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

it.skipIf(!existsSync('/proc/self'))('ends where the system makes no folders', async () => {
  await expect(writeOut('/proc/nowhere/deep/x.png', '')).rejects.toMatchObject({
    record: { code: 'cli/not-written', cure: expect.stringContaining('can be written to') },
  });
  await expect(new NodeStore('/proc/nowhere').write('config.json', Uint8Array.of(1))).rejects.toMatchObject({
    record: { code: 'storage/failed', what: expect.stringContaining('could not be made') },
  });
});
