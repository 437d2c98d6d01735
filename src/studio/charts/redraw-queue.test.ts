import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { queueRedraw } from './redraw-queue.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

test('redraws come one at a time, in order', () => {
  const drawn: string[] = [];
  queueRedraw(() => drawn.push('a'));
  queueRedraw(() => drawn.push('b'));
  expect(drawn).toEqual([]);
  vi.advanceTimersToNextTimer();
  expect(drawn).toEqual(['a']);
  vi.advanceTimersToNextTimer();
  expect(drawn).toEqual(['a', 'b']);
});

test('a turn that was given up is not taken', () => {
  const drawn: string[] = [];
  const giveUp = queueRedraw(() => drawn.push('a'));
  queueRedraw(() => drawn.push('b'));
  giveUp();
  vi.runAllTimers();
  expect(drawn).toEqual(['b']);
});

test('it goes on after a pause', () => {
  const drawn: string[] = [];
  queueRedraw(() => drawn.push('a'));
  vi.runAllTimers();
  queueRedraw(() => drawn.push('b'));
  vi.runAllTimers();
  expect(drawn).toEqual(['a', 'b']);
});
