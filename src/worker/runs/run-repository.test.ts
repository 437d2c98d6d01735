import { expect, test } from 'vitest';
import { MemoryStore } from '../../data/memory-store.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { newRunId, RunRepository } from './run-repository.ts';

const record: RunRecord = {
  id: newRunId(0),
  name: 'Try',
  status: 'running',
  step: 3,
  steps: 10,
  settings: {
    name: 'Try',
    datasetIds: ['d1'],
    methods: ['lora'],
    trainDecoder: true,
    gate: 'none',
    values: { 'train.steps': 10, 'adapter.activation': 'gelu', 'train.flips': true },
  },
  datasets: [{ id: 'd1', name: 'Cells' }],
  scale: 160,
  modelName: 'micro',
  modelHash: 'abc',
  created: 1,
  updated: 2,
  bestStep: 0,
  bestScore: 0.5,
  secondsPerStep: 1.5,
  checkpointStep: 2,
  failure: { code: 'gpu/lost', what: 'The device was lost.', cure: 'Go on.' },
  verdict: null,
};

test('a run that was under way when the tab closed comes back as interrupted, everything else as it was', async () => {
  const store = new MemoryStore();
  const repository = new RunRepository(store);
  await repository.save(record);
  expect(await repository.find(record.id)).toEqual(record);
  expect(repository.update(record.id, { step: 4 })?.step).toBe(4);
  const reloaded = new RunRepository(store);
  expect(await reloaded.list()).toEqual([{ ...record, status: 'interrupted' }]);
  expect(reloaded.update(record.id, { step: 5 })).toBeNull();
  const paused = await repository.save({ ...record, status: 'paused' });
  expect(await new RunRepository(store).find(record.id)).toEqual(paused);
  await repository.delete(record.id);
  expect(await repository.list()).toEqual([]);
});

test('a record of before there was a scale is of a run that saw whole images', async () => {
  const store = new MemoryStore();
  const { scale: _, ...before } = { ...record, status: 'finished' };
  await store.write(`runs/${record.id}/run.json`, new TextEncoder().encode(JSON.stringify(before)));
  expect(await new RunRepository(store).find(record.id)).toEqual({ ...before, scale: 'whole' });
});

test('a record that cannot be read is listed as broken with its bytes, and can be deleted', async () => {
  const store = new MemoryStore();
  const repository = new RunRepository(store);
  await repository.save({ ...record, status: 'finished' });
  await store.write('runs/damaged/run.json', new TextEncoder().encode('{"id": 1'));
  await store.write('runs/half/adapter.safetensors', new Uint8Array(5));
  expect((await repository.list()).map(({ id }) => id)).toEqual([record.id]);
  expect(await repository.broken()).toMatchObject([
    { id: 'damaged', bytes: 8, failure: { code: 'run/damaged', where: 'runs/damaged/run.json' } },
    { id: 'half', bytes: 5, failure: { code: 'run/half-saved', where: 'runs/half' } },
  ]);
  await repository.delete('damaged');
  await repository.delete('half');
  expect(await repository.broken()).toEqual([]);
  expect(await repository.list()).toHaveLength(1);
});
