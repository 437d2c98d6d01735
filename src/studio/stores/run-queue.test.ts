import { beforeEach, expect, test } from 'vitest';
import { fakeEngine } from '../testing/fake-engine.ts';
import type { FakeOptions } from '../testing/fake-handlers.ts';
import { fakeRun } from '../testing/fake-runs.ts';
import { linkEngine } from './engine-link.ts';
import {
  continueQueue,
  moveQueued,
  queueRuns,
  receiveQueue,
  removeQueued,
  secondsInAll,
  useRunQueue,
} from './run-queue.ts';
import { flushRunEvents, receiveRunEvent, showRun, useRuns } from './runs.ts';

const { settings } = fakeRun('running', 1);
const named = (...names: string[]) => names.map((name) => ({ ...settings, name }));
const waiting = () => useRunQueue.getState().waiting.map((entry) => entry.settings.name);

function link(options: FakeOptions = { empty: true }) {
  const engine = fakeEngine(options);
  engine.subscribe((event) => (event.type === 'queue' ? receiveQueue(event.queue) : receiveRunEvent(event)));
  linkEngine(engine);
  return engine;
}

beforeEach(() => {
  useRuns.setState(useRuns.getInitialState(), true);
  useRunQueue.setState(useRunQueue.getInitialState(), true);
});

test('the queue is what the engine says: added, moved, removed, and what is there when the page opens', async () => {
  link();
  await queueRuns(named('a', 'b', 'c'));
  expect(waiting()).toEqual(['a', 'b', 'c']);
  const [a, b] = useRunQueue.getState().waiting;
  await moveQueued(b?.id ?? '', 0);
  await removeQueued([a?.id ?? '']);
  expect(waiting()).toEqual(['b', 'c']);
  useRunQueue.setState(useRunQueue.getInitialState(), true);
  await continueQueue();
  expect(waiting()).toEqual(['b', 'c']);
});

test('the first run that was added is shown when it starts, unless the person looks at another by then', async () => {
  for (const looksElsewhere of [false, true]) {
    useRuns.setState(useRuns.getInitialState(), true);
    const engine = link();
    await queueRuns(named('a', 'b'));
    const [first] = useRunQueue.getState().waiting;
    if (looksElsewhere) showRun('other');
    engine.emit({ type: 'run', run: { ...fakeRun('running', 1), id: first?.id ?? '' } });
    flushRunEvents();
    expect(useRuns.getState().shownId).toBe(looksElsewhere ? 'other' : first?.id);
    await removeQueued(useRunQueue.getState().waiting.map(({ id }) => id));
  }
});

test('the time of all is that of the run under way and of those that wait, as far as it is known', () => {
  const active = { secondsLeft: 80 };
  const entry = { id: 'x', settings, modelName: 'm', failure: null };
  const each = (seconds: number | null) => ({ ...entry, seconds });
  expect(secondsInAll(active, [each(50), each(70)])).toEqual({ seconds: 200, isWhole: true });
  expect(secondsInAll({}, [each(50)])).toEqual({
    seconds: 50,
    isWhole: false,
  });
  expect(secondsInAll(null, [each(null)])).toEqual({ seconds: 0, isWhole: false });
});
