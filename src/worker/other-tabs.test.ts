import { expect, test } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import { type StoredChange, tellingStore } from './other-tabs.ts';

test('tells of what tabs show once it is stored, and of nothing else', async () => {
  const told: StoredChange[] = [];
  const kept = new MemoryStore();
  const store = tellingStore(kept, (change) => told.push(change));
  const bytes = Uint8Array.of(1);
  for (const path of [
    'datasets/cells-1/images/a.png',
    'datasets/cells-1/dataset.json',
    'datasets/cells-1/edits/a.png',
    'runs/run-1/checkpoint.safetensors',
    'runs/run-1/run.json',
    'masks/m.png',
    'masks/m.json',
    'run-queue.json',
    'models/opened.json',
    'find-job.json',
    'datasets/cells-1/found/found.jsonl',
  ])
    await store.write(path, bytes);
  expect(told.splice(0)).toEqual([
    { kind: 'datasets', id: 'cells-1' },
    { kind: 'datasets', id: 'cells-1' },
    { kind: 'runs', id: 'run-1' },
    { kind: 'masks', id: '' },
    { kind: 'queue', id: '' },
    { kind: 'searches', id: '' },
    { kind: 'searches', id: '' },
  ]);
  await store.move('masks/m.json', 'masks/n.json');
  await store.remove('runs/run-1');
  expect(told.splice(0)).toEqual([
    { kind: 'masks', id: '' },
    { kind: 'runs', id: 'run-1' },
  ]);
  expect(await kept.exists('runs/run-1')).toBe(false);
  const full = tellingStore(new MemoryStore(0), (change) => told.push(change));
  await expect(full.write('runs/run-1/run.json', bytes)).rejects.toThrow();
  expect(told, 'what does not fit has not changed').toEqual([]);
});
