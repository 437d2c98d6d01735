import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkAfterEnd, checkFileStore } from '../data/file-store.contract.ts';
import { NodeStore } from './node-store.ts';

let root: string;
let store: NodeStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mopeft-store-'));
  store = new NodeStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Writes until it is killed. */
const WRITER = `
  const { NodeStore } = await import(${JSON.stringify(new URL('./node-store.ts', import.meta.url).href)});
  const contract = ${JSON.stringify(new URL('../data/file-store.contract.ts', import.meta.url).href)};
  const { writeForever } = await import(contract);
  const store = new NodeStore(JSON.parse(process.argv.at(-1)));
  await store.write('checkpoint/last', new Uint8Array(50_000).fill(255));
  console.log('begun');
  await writeForever(store, 'checkpoint/last');
`;

const bytes = (...values: number[]) => Uint8Array.from(values);

it('gives back what was written, grows by appending and leaves no part file', async () => {
  await store.write('runs/a/x', bytes(1, 2));
  await store.append('runs/a/x', bytes(3));
  expect([...(await store.read('runs/a/x'))]).toEqual([1, 2, 3]);
  expect(await readdir(join(root, 'runs/a'))).toEqual(['x']);
  expect(await store.size('runs')).toBe(3);
  expect(await store.list('runs')).toEqual([{ name: 'a', kind: 'folder' }]);
});

it('keeps what a file store promises', () => checkFileStore(store));

it('leaves the old file or the new one when its process is killed, and the next one tidies up', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', WRITER, JSON.stringify(root)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // The first line: the first file is there, and the next is being written.
  await once(child.stdout, 'data');
  const path = 'checkpoint/last';
  while (!(await readdir(join(root, 'checkpoint'))).some((name) => name.endsWith('.part'))) await null;
  child.kill('SIGKILL');
  await once(child, 'exit');
  await checkAfterEnd(store, path);
  // A kill at the end of a write may have left none.
  await writeFile(join(root, 'checkpoint', `last.${child.pid}.part`), 'half');
  await writeFile(join(root, 'checkpoint', `last.${process.pid}.part`), 'of another store');
  await store.write('x', bytes(1));
  expect(await readdir(join(root, 'checkpoint'))).toEqual(['last', `last.${process.pid}.part`]);
  await checkAfterEnd(store, path);
});

it('treats what is not there as empty, but not a read', async () => {
  expect(await store.list('none')).toEqual([]);
  expect(await store.size('none')).toBe(0);
  expect(await store.exists('none')).toBe(false);
  await store.remove('none');
  await expect(store.read('none')).rejects.toMatchObject({
    record: { code: 'storage/missing', cure: expect.not.stringMatching(/tab|site/) },
  });
});

it('does not leave its folder', async () => {
  await expect(store.write('../x', bytes(1))).rejects.toMatchObject({ record: { code: 'storage/bad-path' } });
});
