import { beforeEach, expect, test } from 'vitest';
import { Failure } from '../../config/failure.ts';
import type { RunInfo } from '../../worker/protocol.ts';
import { fakeEngine } from '../testing/fake-engine.ts';
import type { FakeOptions } from '../testing/fake-handlers.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { stepPoint } from '../testing/samples.ts';
import { linkEngine } from './engine-link.ts';
import { applyEvents } from './run-events.ts';
import {
  deleteRun,
  flushRunEvents,
  loadHistory,
  loadRuns,
  nextName,
  pauseRun,
  profileRun,
  receiveRunEvent,
  renameRun,
  showRun,
  startRun,
  useRuns,
} from './runs.ts';

beforeEach(() => useRuns.setState(useRuns.getInitialState(), true));

const empty = { runs: [], histories: {}, activities: {}, profiles: {} };

test('a profile is asked for until it comes, the run ends or the engine refuses', async () => {
  const engine = linkFake();
  await loadRuns();
  const run = fakeRun('running', 2);
  const profile = () => useRuns.getState().profiles[run.id];
  const answer = engine.holdNext('train.profile');
  const asked = profileRun(run.id);
  expect(profile()).toBe('asked');
  answer();
  await asked;
  expect(profile()).toMatchObject({ step: 121, clock: 'timestamps' });
  const waiting = { ...empty, profiles: { [run.id]: 'asked' as const } };
  expect(applyEvents(waiting, [{ type: 'run', run }]).profiles).toEqual(waiting.profiles);
  expect(applyEvents(waiting, [{ type: 'run', run: { ...run, status: 'paused' } }]).profiles).toEqual({});
  linkFake({
    'train.profile': () => {
      throw new Failure({ code: 'train/not-running', what: 'It is over.', cure: 'Go on.' });
    },
  });
  await profileRun('other');
  expect(useRuns.getState().profiles.other).toBeUndefined();
});

test('the curves of a run that another tab worked on are those of now, and others are not fetched again', async () => {
  const [there, here] = [fakeRun('elsewhere', 1), fakeRun('paused', 2)];
  let runs: readonly RunInfo[] = [there, here];
  let steps = [stepPoint(1)];
  linkEngine(
    fakeEngine({
      handlers: {
        'train.list': () => runs,
        'train.history': () => ({ steps, evals: [], gates: [], modules: [], looks: [] }),
      },
    }),
  );
  await loadRuns();
  await Promise.all([loadHistory(there.id), loadHistory(here.id)]);
  runs = [{ ...there, status: 'finished', updated: there.updated + 1 }, here];
  steps = [stepPoint(1), stepPoint(2)];
  await loadRuns();
  const { histories } = useRuns.getState();
  expect(useRuns.getState().runs.find(({ id }) => id === there.id)?.status).toBe('finished');
  expect(histories[there.id]?.steps).toHaveLength(2);
  expect(histories[here.id]?.steps).toHaveLength(1);
});

/** Links a fake engine whose events reach the store. */
function linkFake(handlers: NonNullable<FakeOptions['handlers']> = {}) {
  const engine = fakeEngine({ handlers });
  engine.subscribe(receiveRunEvent);
  linkEngine(engine);
  return engine;
}
const shown = (id: string) => useRuns.getState().runs.find((run) => run.id === id);

test('a slow list of runs does not undo what came as an event meanwhile', async () => {
  const engine = linkFake();
  await loadRuns();
  const answer = engine.holdNext('train.list');
  const slow = loadRuns();
  engine.emit({ type: 'run', run: { ...fakeRun('finished', 2), name: 'MoPEFT 2' } });
  answer();
  await slow;
  expect(shown('run-2')?.status).toBe('finished');
});

test('of two lists of runs the one that was asked for last stays', async () => {
  const engine = linkFake();
  const answer = engine.holdNext('train.list');
  const slow = loadRuns();
  await engine.call('train.rename', { runId: 'run-1', name: 'New' });
  await loadRuns();
  answer();
  await slow;
  expect(shown('run-1')?.name).toBe('New');
});

test('a run that was deleted does not come back with a slow list or an event from before', async () => {
  const engine = linkFake();
  await loadRuns();
  const answer = engine.holdNext('train.list');
  const slow = loadRuns();
  engine.emit({ type: 'run', run: fakeRun('running', 2) });
  await deleteRun('run-2');
  flushRunEvents();
  answer();
  await slow;
  expect(useRuns.getState().runs.map(({ id }) => id)).toEqual(['run-1']);
});

test('of two changes of a run the later one stays, whichever is answered first', async () => {
  const engine = linkFake();
  await loadRuns();
  const answer = engine.holdNext('train.rename');
  const slow = renameRun('run-1', 'First');
  await renameRun('run-1', 'Second');
  answer();
  await slow;
  expect(shown('run-1')?.name).toBe('Second');
});

test('a change is written though an event came between its request and its answer', async () => {
  const engine = linkFake();
  await loadRuns();
  const answer = engine.holdNext('train.pause');
  const slow = pauseRun('run-2');
  engine.emit({ type: 'run', run: fakeRun('pausing', 2) });
  flushRunEvents();
  answer();
  await slow;
  expect(shown('run-2')?.status).toBe('paused');
});

test('a slow history keeps the points that came as events meanwhile', async () => {
  const engine = linkFake();
  const answer = engine.holdNext('train.history');
  const slow = loadHistory('run-2');
  engine.emit({ type: 'step', runId: 'run-2', point: stepPoint(121) });
  answer();
  await slow;
  expect(
    useRuns
      .getState()
      .histories['run-2']?.steps.map(({ step }) => step)
      .slice(-2),
  ).toEqual([120, 121]);
});

test('runs that cannot be opened are listed, and removed when they are deleted', async () => {
  const engine = linkFake();
  await loadRuns();
  const { runs, broken } = useRuns.getState();
  expect(runs).toHaveLength(2);
  expect(broken.map(({ failure }) => failure.code)).toEqual(['run/damaged']);
  const answer = engine.holdNext('train.broken');
  const slow = loadRuns();
  await deleteRun(broken[0]?.id ?? '');
  answer();
  await slow;
  expect(useRuns.getState()).toMatchObject({ runs, broken: [] });
});

test('a run that is trained again counts the times', () => {
  const names = Array.from({ length: 22 }).reduce<string[]>(
    (all) => [...all, nextName(all.at(-1) ?? '')],
    ['cells'],
  );
  expect([1, 2, 3, 10, 11, 12, 20, 21].map((i) => names[i])).toEqual([
    'cells, 2nd time',
    'cells, 3rd time',
    'cells, 4th time',
    'cells, 11th time',
    'cells, 12th time',
    'cells, 13th time',
    'cells, 21st time',
    'cells, 22nd time',
  ]);
});

test('a run is shown as soon as it is known, long before it takes a step, and a person may leave it meanwhile', async () => {
  const engine = linkFake();
  await loadRuns();
  const run = { ...fakeRun('running', 3), created: 9 };
  const answer = engine.holdNext('train.start');
  const slow = startRun(run.settings);
  engine.emit({ type: 'run', run });
  flushRunEvents();
  expect(useRuns.getState()).toMatchObject({ starting: true, shownId: run.id });
  showRun('run-1');
  answer();
  await slow;
  expect(useRuns.getState().starting).toBe(false);
  engine.emit({ type: 'run', run: { ...fakeRun('running', 4), created: 10 } });
  flushRunEvents();
  expect(useRuns.getState().shownId).toBe('run-1');
});
