import { expect, it } from 'vitest';
import { checkFileStore } from './file-store.contract.ts';
import { storeName, storePath } from './file-store.ts';
import { MemoryStore } from './memory-store.ts';

it('keeps what a file store promises', () => checkFileStore(new MemoryStore()));

it('fails as a full disk does, and keeps the old file', async () => {
  const store = new MemoryStore(10);
  await store.write('a', new Uint8Array(6));
  await expect(store.write('b', new Uint8Array(5))).rejects.toMatchObject({
    record: { code: 'storage/full', where: 'b' },
  });
  await expect(store.append('a', new Uint8Array(5))).rejects.toThrow(/no space left.*Delete datasets/);
  expect(await store.size('')).toBe(6);
});

it.each(['plain.png', 'a/b', '..', '.', '', 'C:\\x', 'a*b?', '100%', 'tab\there', 'ünï', '\ud800'])(
  'makes %j one part of a path',
  (name) => {
    const part = storeName(name);
    expect(storePath(part)).toEqual([part]);
  },
);

it('keeps different names different', () => {
  const names = ['a/b', 'a%2Fb', 'a_b', 'a\\b', '..', '%2E%2E', '.', ''];
  expect(new Set(names.map(storeName)).size).toBe(names.length);
});
