import { beforeEach, expect, test } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { CANCELLED, type Progress } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import type { FakeOptions } from '../testing/fake-handlers.ts';
import { linkEngine } from './engine-link.ts';
import { useNotices } from './notices.ts';
import { useRuns } from './runs.ts';
import { cancelWorth, loadWorth, measureWorth, pruneRun, useWorth } from './worth.ts';

beforeEach(() => {
  useWorth.setState(useWorth.getInitialState(), true);
  useRuns.setState(useRuns.getInitialState(), true);
  useNotices.setState(useNotices.getInitialState(), true);
});

function linkFake(handlers: FakeOptions['handlers'] = {}) {
  const engine = fakeEngine({ handlers });
  linkEngine(engine);
  return engine;
}

test('what a run would take is known before it is measured, and what was measured is shown', async () => {
  linkFake();
  await loadWorth('run-1', true);
  expect(useWorth.getState()).toMatchObject({
    worths: { 'run-1': null },
    forecasts: { 'run-1': { seconds: 130 } },
  });
  await measureWorth('run-1');
  expect(useWorth.getState().worths['run-1']?.datasets).toHaveLength(3);
  expect(useWorth.getState().work).toBeNull();
});

test('what was measured is shown where it cannot be measured now, and nothing is asked that needs the model', async () => {
  const engine = linkFake({
    'worth.forecast': () => {
      throw new Error('no model is open');
    },
  });
  await engine.call('worth.measure', { runId: 'run-1' });
  await loadWorth('run-1', false);
  await loadWorth('run-2', false);
  expect(useWorth.getState().worths).toMatchObject({ 'run-1': { step: 100 }, 'run-2': null });
});

test('an answer to what was asked before a measurement does not take its result away', async () => {
  const engine = linkFake();
  const answer = engine.holdNext('worth.read');
  const loading = loadWorth('run-1', true);
  await measureWorth('run-1');
  answer();
  await loading;
  expect(useWorth.getState().worths['run-1']).not.toBeNull();
});

test('a pruned run is shown beside the one that it comes from', async () => {
  linkFake();
  await pruneRun('run-1');
  expect(useRuns.getState()).toMatchObject({ shownId: 'run-3', runs: [{ pruned: { from: 'run-1' } }] });
});

test('progress tells the time left; a second measurement waits; a cancelled one says nothing, a failed one why', async () => {
  const engine = linkFake();
  let settle = (_: object): void => undefined;
  let report = (_: Progress): void => undefined;
  let signal: AbortSignal | undefined;
  let calls = 0;
  linkEngine({
    ...engine,
    call: (_name, _request, options) => {
      calls++;
      signal = options?.signal;
      report = options?.onProgress ?? report;
      return new Promise((resolve) => {
        settle = (error) => resolve({ ok: false, error: error as Failure['record'] });
      });
    },
  });
  const measuring = measureWorth('run-1');
  expect(useWorth.getState().work).toEqual({ runId: 'run-1', progress: null, secondsLeft: null });
  report({ done: 0, total: 8, label: 'Measuring' });
  expect(useWorth.getState().work?.secondsLeft).toBeNull();
  report({ done: 2, total: 8, label: 'Measuring' });
  expect(useWorth.getState().work?.secondsLeft).toBeGreaterThanOrEqual(0);
  await pruneRun('run-1');
  expect(calls).toBe(1);
  cancelWorth();
  expect(signal?.aborted).toBe(true);
  settle({ code: CANCELLED, what: 'This was cancelled.', cure: 'Ask again.' });
  await measuring;
  expect(useNotices.getState().notices).toEqual([]);
  const again = measureWorth('run-1');
  settle(new Failure({ code: 'worth/few-images', what: 'Too few.', cure: 'Label more.' }).record);
  await again;
  expect(useNotices.getState().notices).toMatchObject([{ failure: { code: 'worth/few-images' } }]);
});
