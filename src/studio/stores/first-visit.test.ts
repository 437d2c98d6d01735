import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import { linkEngine } from './engine-link.ts';
import { openFirstVisit, rememberLeaving } from './first-visit.ts';
import { usePage } from './page.ts';

let location: { hash: string };
let kept: Map<string, string>;

beforeEach(() => {
  location = { hash: '' };
  kept = new Map();
  vi.stubGlobal('window', {
    location,
    history: {
      replaceState: (_state: unknown, _title: string, hash: string) => {
        location.hash = hash;
      },
    },
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    },
  });
  usePage.setState({ page: 'data' });
});
afterEach(() => vi.unstubAllGlobals());

const visit = async (options: { readonly empty: boolean }) => {
  linkEngine(fakeEngine(options));
  return openFirstVisit();
};

test('a visit where nothing is stored opens the first minute, which a reload keeps', async () => {
  expect(await visit({ empty: true })).toBe(true);
  expect(usePage.getState().page).toBe('first');
  expect(location.hash).toBe('#/first');
});

test('whoever has datasets, or asks for a page, gets what they came for', async () => {
  expect(await visit({ empty: false })).toBe(false);
  location.hash = '#/train';
  expect(await visit({ empty: true })).toBe(false);
  expect(usePage.getState().page).toBe('data');
});

test('once left it does not open by itself again', async () => {
  const stop = rememberLeaving();
  await visit({ empty: true });
  usePage.setState({ page: 'data' });
  stop();
  location.hash = '';
  expect(await visit({ empty: true })).toBe(false);
});
