import { expect, test, vi } from 'vitest';
import type { RunInfo } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { linkEngine } from './engine-link.ts';
import { queueRuns, useRunQueue } from './run-queue.ts';
import { flushRunEvents, receiveRunEvent, useRuns } from './runs.ts';

test('queued runs start one after the other, and not after one that was paused', async () => {
  const engine = fakeEngine({ empty: true });
  linkEngine(engine);
  useRuns.setState({ runs: [], shownId: null });
  const { settings } = fakeRun('running', 1);
  await queueRuns([
    { ...settings, name: 'a' },
    { ...settings, name: 'b' },
    { ...settings, name: 'c' },
  ]);
  const state = () => useRuns.getState();
  const names = () => [
    state().runs.map(({ name }) => name),
    useRunQueue.getState().queue.map(({ name }) => name),
  ];
  expect(names()).toEqual([['a'], ['b', 'c']]);
  const end = async (status: RunInfo['status']) => {
    const [run] = state().runs;
    if (!run) throw new Error('no run');
    receiveRunEvent({ type: 'run', run: { ...run, status } });
    flushRunEvents();
    await vi.waitFor(() => expect(state().starting).toBe(false));
  };
  await end('finished');
  await vi.waitFor(() => expect(names()).toEqual([['b', 'a'], ['c']]));
  await end('paused');
  expect(names()).toEqual([['b', 'a'], ['c']]);
});
