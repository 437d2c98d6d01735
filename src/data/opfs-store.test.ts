import { afterEach, expect, test, vi } from 'vitest';
import { LOOK_EVERY, OpfsStore } from './opfs-store.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('storage is looked up again while nothing is read, since a private window forgets it after ten minutes', async () => {
  vi.useFakeTimers();
  const folder = { getDirectoryHandle: () => Promise.resolve(folder), entries: async function* () {} };
  const lookUp = vi.spyOn(folder, 'getDirectoryHandle');
  const locks = {
    request: (_: string, hold: () => unknown) => Promise.resolve(hold()),
    query: () => Promise.resolve({ held: [] }),
  };
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(folder) }, locks });
  await OpfsStore.open();
  const before = lookUp.mock.calls.length;
  vi.advanceTimersByTime(10 * 60_000);
  expect(lookUp.mock.calls.length - before).toBe(2);
  // One that is late by half, as in a throttled tab, is still in time.
  expect(1.5 * LOOK_EVERY).toBeLessThan(10 * 60_000);
});
