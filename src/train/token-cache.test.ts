import { expect, it, vi } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { folderBytes, TokenCache } from './token-cache.ts';

/** Bit patterns that a conversion would change. */
const values = (seed: number) => Float32Array.of(seed, Number.NaN, -0, 1e-45);
const BYTES = 16;

it('keeps in memory, then in the folder, then nothing more, and gives the same bits back', async () => {
  const store = new MemoryStore();
  const cache = new TokenCache({ store, path: 'run/kept', bytes: 2.5 * BYTES }, 1.5 * BYTES);
  for (const key of [1, 2, 3, 4]) {
    expect(cache.hasRoom(BYTES)).toBe(key < 4);
    await cache.set(`${key}`, values(key));
  }
  expect(await store.size('run/kept')).toBe(2 * BYTES);
  for (const key of [1, 2, 3]) {
    const known = await cache.get(`${key}`);
    expect(new Uint8Array(known?.buffer ?? new ArrayBuffer())).toEqual(new Uint8Array(values(key).buffer));
  }
  expect(await cache.get('4')).toBeNull();
  await cache.clear();
  expect(await cache.get('1')).toBeNull();
  expect(await store.exists('run/kept')).toBe(false);
});

it('keeps what a key stands for once', async () => {
  const cache = new TokenCache(null, 2 * BYTES);
  for (const seed of [1, 2, 3]) await cache.set('a', values(seed));
  await cache.set('b', values(4));
  expect((await cache.get('a'))?.[0]).toBe(1);
  expect((await cache.get('b'))?.[0]).toBe(4);
});

it('does without a folder that is full or broken', async () => {
  const store = new MemoryStore(1.5 * BYTES);
  const cache = new TokenCache({ store, path: 'kept', bytes: 100 * BYTES }, 0);
  await cache.set('a', values(1));
  await cache.set('b', values(2));
  expect(cache.hasRoom(BYTES)).toBe(false);
  expect(await cache.get('b')).toBeNull();
  expect((await cache.get('a'))?.[0]).toBe(1);
  vi.spyOn(store, 'remove').mockRejectedValue(new Error('locked'));
  await cache.clear();
});

it('does not trust a file that was cut off or removed, and never mistakes another for it', async () => {
  const store = new MemoryStore();
  const cache = new TokenCache({ store, path: 'kept', bytes: 100 * BYTES }, 0);
  for (const [i, key] of ['a', 'b', 'c'].entries()) await cache.set(key, values(i));
  const [first, second] = await store.list('kept');
  await store.write(`kept/${first?.name}`, new Uint8Array(BYTES - 4));
  await store.remove(`kept/${second?.name}`);
  expect(await cache.get('a')).toBeNull();
  expect(await cache.get('b')).toBeNull();
  await cache.set('d', values(7));
  expect((await cache.get('c'))?.[0]).toBe(2);
  expect((await cache.get('d'))?.[0]).toBe(7);
});

it('has its whole room again once it is cleared, in memory and in the folder', async () => {
  const store = new MemoryStore();
  const cache = new TokenCache({ store, path: 'kept', bytes: BYTES }, BYTES);
  for (const round of [0, 1]) {
    for (const [i, key] of ['a', 'b', 'c'].entries()) await cache.set(key, values(10 * round + i));
    expect([(await cache.get('a'))?.[0], (await cache.get('b'))?.[0]]).toEqual([10 * round, 10 * round + 1]);
    expect(await cache.get('c')).toBeNull();
    await cache.clear();
    expect(await cache.get('a')).toBeNull();
  }
});

it('leaves most of a storage to the run', () => {
  expect(folderBytes(8000)).toBe(1000);
  expect(folderBytes(1e15)).toBe(2 * 2 ** 30);
  expect(folderBytes(0)).toBe(0);
});
