import { expect, test, vi } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import type { EngineState } from '../engine-state.ts';
import type { Variant } from '../protocol.ts';
import { keepJob, waitingJob } from './find-job.ts';

test('a search waits with all that it was asked for, the dataset of a run too', async () => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
  const datasets = { list: async () => [{ id: 'cells' }] } as unknown as EngineState['datasets'];
  const state = { store: new MemoryStore(), datasets, openModelHash: 'abc' };
  const runs = [
    { kind: 'base' },
    { kind: 'run', runId: 'first' },
    { kind: 'run', runId: 'first', dataset: 1 },
  ] as const satisfies readonly Variant[];
  for (const variant of runs) {
    const request = { datasetIds: ['cells'], variant, settings: parseFindSettings({}) };
    await keepJob(state, request, { hash: 'abc', name: 'tiny' });
    expect(await waitingJob(state)).toEqual({
      ...request,
      modelName: 'tiny',
      isModelOpen: true,
      isUnderWay: false,
    });
  }
});
