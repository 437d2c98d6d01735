import { expect, test } from 'vitest';
import { progressOf } from './progress.ts';

/** What is written while work is done; each `at` is a place in it and seconds. */
function written(isTTY: boolean, places: readonly (readonly [done: number, seconds: number])[]): string[] {
  const lines: string[] = [];
  let time = 0;
  const stream = { isTTY, write: (text: string) => lines.push(text.replaceAll('\u00a0', ' ')) };
  const progress = progressOf('images', stream, () => time);
  for (const [done, seconds] of places) {
    time = 1000 * seconds;
    progress(done, 4);
  }
  return lines;
}

test('a log gets the first and the last line, and one now and then with the time that is left', () => {
  const places = [
    [0, 0],
    [0.1, 5],
    [0.5, 60],
    [1, 70],
    [2.25, 270],
    [4, 480],
  ] as const;
  expect(written(false, places)).toEqual([
    '0 of 4 images\n',
    '0 of 4 images (12 %), 7 min left\n',
    '2 of 4 images (56 %), 4 min left\n',
    '4 of 4 images\n',
  ]);
});

test('a terminal gets one line that changes, and ends at the end', () => {
  const lines = written(true, [
    [0, 0],
    [2, 60],
    [4, 120],
  ]);
  expect(lines.map((line) => line.trimEnd())).toEqual([
    '\r0 of 4 images',
    '\r2 of 4 images, 1 min left',
    '\r4 of 4 images',
  ]);
  expect(lines.map((line) => line.endsWith('\n'))).toEqual([false, false, true]);
  // A shorter line covers what stood there.
  expect(new Set(lines.map((line) => line.trimEnd() && line.replace('\n', '').length)).size).toBe(1);
});

test('a second piece of work is told from its start, with a speed of its own', () => {
  const lines = written(false, [
    [0, 0],
    [4, 100],
    [0, 101],
    [1, 141],
  ]);
  expect(lines).toEqual([
    '0 of 4 images\n',
    '4 of 4 images\n',
    '0 of 4 images\n',
    '1 of 4 images, 2 min left\n',
  ]);
});
