import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import { receiveChange } from './elsewhere.ts';
import { linkEngine } from './engine-link.ts';
import { useSession } from './session.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', { visibilityState: 'visible' });
  useSession.setState({ phase: 'ready' });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The calls to the engine after changes of another tab. */
async function callsAfter(change: () => void): Promise<readonly string[]> {
  const engine = fakeEngine();
  linkEngine(engine);
  const call = vi.spyOn(engine, 'call');
  change();
  await vi.advanceTimersByTimeAsync(1000);
  return call.mock.calls.map(([name]) => name);
}

test('changes of another tab are shown together, each kind once', async () => {
  const calls = await callsAfter(() => {
    for (const kind of ['runs', 'queue', 'runs', 'runs'] as const) receiveChange(kind);
  });
  expect(calls.filter((name) => name === 'train.list')).toHaveLength(1);
  expect(calls).toContain('queue.list');
  expect(calls).not.toContain('data.list');
  expect(await callsAfter(() => receiveChange('datasets'))).toContain('data.list');
});

test('the queue goes on where a run is over in another tab', async () => {
  expect(await callsAfter(() => receiveChange('runs'))).toContain('queue.goOn');
});

test('a page that is not seen asks for nothing', async () => {
  vi.stubGlobal('document', { visibilityState: 'hidden' });
  expect(await callsAfter(() => receiveChange('datasets'))).toEqual([]);
});
