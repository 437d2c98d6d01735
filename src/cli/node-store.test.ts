import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NodeStore } from './node-store.ts';

let root: string;
let store: NodeStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mopeft-store-'));
  store = new NodeStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const bytes = (...values: number[]) => Uint8Array.from(values);

it('gives back what was written, grows by appending and leaves no part file', async () => {
  await store.write('runs/a/x', bytes(1, 2));
  await store.append('runs/a/x', bytes(3));
  expect([...(await store.read('runs/a/x'))]).toEqual([1, 2, 3]);
  expect(await readdir(join(root, 'runs/a'))).toEqual(['x']);
  expect(await store.size('runs')).toBe(3);
  expect(await store.list('runs')).toEqual([{ name: 'a', kind: 'folder' }]);
});

it('treats what is not there as empty, but not a read', async () => {
  expect(await store.list('none')).toEqual([]);
  expect(await store.size('none')).toBe(0);
  expect(await store.exists('none')).toBe(false);
  await store.remove('none');
  await expect(store.read('none')).rejects.toMatchObject({ record: { code: 'storage/missing' } });
});

it('does not leave its folder', async () => {
  await expect(store.write('../x', bytes(1))).rejects.toMatchObject({ record: { code: 'storage/bad-path' } });
});
