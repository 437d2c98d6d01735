import { expect, test, vi } from 'vitest';
import { REVIEW_KEYS } from '../features/find/keys.ts';
import { SEGMENT_KEYS } from '../features/segment/keys.ts';
import { ANYWHERE_KEYS, UNTYPED_KEYS } from './app-keys.ts';
import { type Key, keyName, runKey } from './key-binding.ts';

const key = (key: string, code: string, held: Partial<Key> = {}): Key => ({
  key,
  code,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

test.each([
  ['c', key('C', 'KeyC', { shiftKey: true })],
  ['Enter', key('Enter', 'Enter')],
  ['2', key('é', 'Digit2')],
  ['2', key('2', 'Digit2', { shiftKey: true })],
  ['+', key('+', 'Digit1', { shiftKey: true })],
  ['Ctrl+k', key('k', 'KeyK', { ctrlKey: true })],
  ['Ctrl+k', key('k', 'KeyK', { metaKey: true })],
  ['Ctrl+Shift+z', key('Z', 'KeyZ', { ctrlKey: true, shiftKey: true })],
  ['Alt+3', key('¡', 'Digit3', { altKey: true })],
  ['Alt+0', key('0', 'Digit0', { altKey: true })],
  ['[', key('[', 'Digit8', { ctrlKey: true, altKey: true })],
  ['ArrowLeft', key('ArrowLeft', 'ArrowLeft', { shiftKey: true })],
])('a key has the name %s on every keyboard', (name, event) => {
  expect(keyName(event)).toBe(name);
});

test('Alt and a digit open a page, whatever character they give, and AltGr does not', () => {
  const location = { hash: '' };
  vi.stubGlobal('window', { location });
  const press = (event: Key): boolean =>
    runKey([ANYWHERE_KEYS], event, { showKeys: () => undefined, showPalette: () => undefined });
  const opened = [1, 2, 3, 4, 5].map((digit) => {
    expect(press(key('x', `Digit${digit}`, { altKey: true }))).toBe(true);
    return location.hash;
  });
  expect(opened).toEqual(['#/data', '#/train', '#/segment', '#/export', '#/models']);
  expect(press(key('6', 'Digit6', { altKey: true }))).toBe(false);
  expect(press(key('³', 'Digit3', { altKey: true, ctrlKey: true }))).toBe(false);
});

test('a key that is held does its work once, unless the work is to be repeated', () => {
  const run = vi.fn();
  const groups = [
    {
      title: '',
      bindings: [
        { on: [' '], list: [], run },
        { on: ['ArrowUp'], list: [], repeats: true, run },
      ],
    },
  ];
  const times = (name: string): number => {
    run.mockClear();
    for (const repeat of [false, true, true])
      expect(runKey(groups, key(name, name, { repeat }), null), 'and the page does nothing with it').toBe(
        true,
      );
    return run.mock.calls.length;
  };
  expect([times(' '), times('ArrowUp')]).toEqual([1, 3]);
});

test('no key is bound twice where both would be heard, and every key is in the list', () => {
  for (const groups of [SEGMENT_KEYS, [REVIEW_KEYS], [ANYWHERE_KEYS, UNTYPED_KEYS]]) {
    const bindings = groups.flatMap(({ bindings }): readonly { on: readonly string[] }[] => bindings);
    const names = bindings.flatMap(({ on }) => on);
    expect(names).toEqual([...new Set(names)]);
  }
  const lines = [ANYWHERE_KEYS, UNTYPED_KEYS, ...SEGMENT_KEYS, REVIEW_KEYS].flatMap(({ bindings }) =>
    bindings.flatMap(({ list }) => list.map(([keys]) => keys)),
  );
  expect(lines).toEqual(
    expect.arrayContaining(['Ctrl + K or ⌘ + K', '?', 'Space', 'A, Shift + A', 'Ctrl + Z']),
  );
});
