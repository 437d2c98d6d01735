import { expect, test } from 'vitest';
import type { Result } from '../../worker/protocol.ts';
import { Latest, showAnswer } from './latest.ts';

test('an answer is written unless one that was asked for later is there', () => {
  const latest = new Latest();
  const [first, second] = [latest.ask(), latest.ask()];
  expect(latest.accept('a', second)).toBe(true);
  expect(latest.accept('a', first)).toBe(false);
  expect(latest.accept('b', first)).toBe(true);
});

test('a request that replaces others makes their answers unwanted before its own answer is there', () => {
  const latest = new Latest();
  const first = latest.replace('a');
  const second = latest.replace('a');
  expect(latest.accept('a', first)).toBe(false);
  expect(latest.accept('a', second)).toBe(true);
});

test('a list keeps what changed, came or was deleted since it was asked for', () => {
  const latest = new Latest();
  const asked = latest.ask();
  for (const id of ['changed', 'deleted', 'came']) latest.accept(id);
  const answered = ['old', 'changed', 'deleted'].map((id) => ({ id, value: 'then' }));
  const now = ['changed', 'came', 'elsewhere'].map((id) => ({ id, value: 'now' }));
  expect(latest.acceptList('list', asked, answered, now)).toEqual([
    { id: 'old', value: 'then' },
    { id: 'changed', value: 'now' },
    { id: 'came', value: 'now' },
  ]);
});

test('of two lists the one that was asked for first is not written over the other', () => {
  const latest = new Latest();
  const [first, second] = [latest.ask(), latest.ask()];
  expect(latest.acceptList('list', second, [], [])).toEqual([]);
  expect(latest.acceptList('list', first, [{ id: 'gone' }], [])).toBeNull();
});

test('an answer that comes after it was cancelled is released, not shown', async () => {
  const shown: unknown[] = [];
  const released: string[] = [];
  const answer: Result<string> = { ok: true, value: 'bitmap' };
  const show = () =>
    showAnswer(
      Promise.resolve(answer),
      (value) => shown.push(value),
      (value) => released.push(value),
    );
  show()();
  await Promise.resolve();
  expect([shown, released]).toEqual([[], ['bitmap']]);
  const cancel = show();
  await Promise.resolve();
  expect(shown).toEqual([answer]);
  cancel();
  cancel();
  expect(released).toEqual(['bitmap', 'bitmap']);
});
