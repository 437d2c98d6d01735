import { beforeEach, expect, test, vi } from 'vitest';
import { startStudio } from './start.ts';
import { useNotices } from './stores/notices.ts';
import { useSegment } from './stores/segment.ts';
import { useSession } from './stores/session.ts';
import { fakeEngine } from './testing/fake-engine.ts';
import type { FakeOptions } from './testing/fake-handlers.ts';

/** Starts the studio with the fake engine; of the browser it stubs only what the start uses. */
async function startFake(options: FakeOptions = {}) {
  const engine = fakeEngine({ empty: true, ...options });
  await startStudio(engine, { modelBaseUrl: 'about:blank', modelMirror: null });
  return engine;
}

const shown = () => useNotices.getState().notices.map((notice) => 'text' in notice && notice.text);

beforeEach(() => {
  vi.stubGlobal('window', { location: { hash: '#/data' }, addEventListener: () => undefined });
  vi.stubGlobal('document', { documentElement: { dataset: {} }, addEventListener: () => undefined });
  vi.stubGlobal('navigator', {});
  useNotices.setState({ notices: [] });
});

test('what the engine warns of is shown to the person, once, and what is for the console is not', async () => {
  const info = vi.spyOn(console, 'info').mockReturnValue();
  const engine = await startFake();
  engine.emit({ type: 'log', level: 'info', text: 'b.png is left out.' });
  expect(info).toHaveBeenCalledWith('b.png is left out.');
  expect(shown()).toEqual([]);
  engine.emit({ type: 'log', level: 'warning', text: 'The model could not be kept.' });
  engine.emit({ type: 'log', level: 'error', text: 'The record could not be written.' });
  engine.emit({ type: 'log', level: 'error', text: 'The record could not be written.' });
  expect(shown()).toEqual(['The model could not be kept.', 'The record could not be written.']);
});

test('the same model with another preprocessing answers anew, by the run that was chosen', async () => {
  await startFake();
  const { model } = useSession.getState();
  if (!model) throw new Error('the fake engine has a model');
  useSegment.setState({
    ...{ runId: 'run', side: 'tuned', answers: {}, maskPrompts: { x: { predictionId: 'x', candidate: 0 } } },
  });
  useSession.setState({ model: { ...model } });
  expect(useSegment.getState()).toMatchObject({ runId: 'run', side: 'tuned', maskPrompts: {} });
  useSession.setState({ model: { ...model, hash: 'another' } });
  expect(useSegment.getState()).toMatchObject({ runId: null, side: 'base' });
});

test('that nothing is kept is known as long as the page is open', async () => {
  await startFake({ noStorage: true });
  expect(useSession.getState().storageFailure?.code).toBe('storage/unavailable');
  await startFake();
  expect(useSession.getState().storageFailure).toBeNull();
});

test('storage is shown while the browser asks for leave to keep it, which it does once there is a dataset', async () => {
  const persist = vi.fn(() => new Promise<boolean>(() => undefined));
  const storage = { estimate: async () => ({ quota: 1000 }), persisted: async () => false, persist };
  vi.stubGlobal('navigator', { storage });
  await startFake();
  await expect.poll(() => useSession.getState().storage).toEqual({ quota: 1000, persisted: false });
  expect(persist).not.toHaveBeenCalled();
  useSession.setState({ storage: null });
  await startFake({ empty: false });
  // Each start of this file listens.
  await expect.poll(() => persist.mock.calls.length).toBeGreaterThan(0);
  expect(useSession.getState().storage).toEqual({ quota: 1000, persisted: false });
});
