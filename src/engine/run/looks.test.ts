import { expect, test } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import type { LookEvent } from '../../train/events.ts';
import { type Look, readLooks, withLook, writeLooks } from './looks.ts';
import { RUN_FILES, RunFiles } from './run-files.ts';

const event = (step: number, sample = 'a.png'): LookEvent => ({
  ...{ type: 'look', step, dataset: 'cells', sample, iou: 0.5 + step / 100, prompt: 'click' },
  ...{ width: 2, height: 1, rgb: Uint8Array.of(1, 2, 3, 4, 5, 255), mask: Uint8Array.of(0, step % 2) },
});

test('each image keeps the masks of the base model and the last ones, and they survive a reload', async () => {
  const events = [event(0), event(0, 'b.png'), event(3), event(7)];
  const looks = events.reduce<readonly Look[]>(withLook, []);
  expect(looks.map(({ sample, base, now }) => [sample, base?.step, now?.step])).toEqual([
    ['a.png', 0, 7],
    ['b.png', 0, undefined],
  ]);
  const files = new RunFiles(new MemoryStore(), 'run');
  await writeLooks(files, looks);
  expect(await readLooks(files)).toEqual(looks);
});

test('what cannot be read shows nothing', async () => {
  const files = new RunFiles(new MemoryStore(), 'run');
  expect(await readLooks(files)).toEqual([]);
  for (const text of ['{', '[{"dataset": 1}]', '[{"rgb": "ä"}]']) {
    await files.writeText(RUN_FILES.looks, text);
    expect(await readLooks(files)).toEqual([]);
  }
});
