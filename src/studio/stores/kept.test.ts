import * as v from 'valibot';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { create } from 'zustand';
import { keepInTab } from './kept.ts';

let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal('window', {
    sessionStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

interface Place {
  readonly page: 'one' | 'two';
  readonly busy: boolean;
}
/** The store as the page makes it when it is loaded. */
const load = () => {
  const store = create<Place>()(() => ({ page: 'one', busy: false }));
  const isKept = keepInTab(store, 'place', { page: v.picklist(['one', 'two']) });
  return { store, isKept };
};

test('what is kept of a store is there after a reload, and the rest as at first', () => {
  const before = load();
  expect(before.isKept).toBe(false);
  before.store.setState({ page: 'two', busy: true });
  const { store, isKept } = load();
  expect(isKept).toBe(true);
  expect(store.getState()).toEqual({ page: 'two', busy: false });
});

test.each(['{"page":"three"}', '{}', '{"page":'])('what cannot be is not shown: %s', (text) => {
  load().store.setState({ page: 'two' });
  for (const key of stored.keys()) stored.set(key, text);
  const { store, isKept } = load();
  expect(isKept).toBe(false);
  expect(store.getState().page).toBe('one');
});

test('a browser that forbids to keep anything changes nothing else', () => {
  vi.stubGlobal('window', {
    get sessionStorage(): never {
      throw new DOMException('', 'SecurityError');
    },
  });
  const { store, isKept } = load();
  store.setState({ page: 'two' });
  expect(isKept).toBe(false);
  expect(store.getState().page).toBe('two');
});
