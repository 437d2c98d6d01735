import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../config/failure.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import type { RunRecord } from '../../engine/run/run-types.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import type { RunQueue, RunStatus, TrainSettings } from '../protocol.ts';
import { runLocks } from '../tab-locks.ts';
import { QUEUE_PATH, readQueue } from './queue-file.ts';
import { QueuedRuns } from './queued-runs.ts';

const settings = (name: string): TrainSettings => ({
  name,
  datasetIds: ['cells'],
  methods: ['lora'],
  trainDecoder: true,
  gate: 'none',
  scale: 256,
  values: { 'train.steps': 5, 'peft.blocks': 'late' },
});
const MODEL = { name: 'micro', hash: 'abc' };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

/** A visit: a tab's queue over what is stored. Runs are records here, which are ended by hand. */
function visit(store = new MemoryStore(), records = new Map<string, RunRecord>()) {
  let active: string | null = null;
  let model: typeof MODEL | null = MODEL;
  let refusal: Failure | null = null;
  const told: RunQueue[] = [];
  const warnings: string[] = [];
  const begin = (id: string, name: string): void => {
    active = id;
    records.set(id, { id, name, status: 'running' } as RunRecord);
  };
  const queue: QueuedRuns = new QueuedRuns({
    store,
    model: () => model,
    find: async (id) => records.get(id) ?? null,
    active: () => active,
    start: async (id, { name }) => {
      if (refusal) throw refusal;
      begin(id, name);
      await queue.began(id);
    },
    resume: async (id) => begin(id, `${records.get(id)?.name}, resumed`),
    seconds: async () => 60,
    emit: (now) => void told.push(now),
    warn: (text) => void warnings.push(text),
  });
  const name = (id: string | null) => (id === null ? null : (records.get(id)?.name ?? id));
  return {
    store,
    records,
    queue,
    told,
    warnings,
    begin,
    underWay: () => name(active),
    waiting: async () => (await queue.list()).waiting.map((entry) => entry.settings.name),
    openModel: (next: typeof MODEL | null) => {
      model = next;
    },
    refuse: (failure: Failure | null) => {
      refusal = failure;
    },
    end: async (status: RunStatus, failure: RunRecord['failure'] = null) => {
      const record = active === null ? null : records.get(active);
      if (!record) throw new Error('no run is under way');
      records.set(record.id, { ...record, status, failure });
      active = null;
      await queue.goOn('over');
    },
  };
}

const add = async (tab: ReturnType<typeof visit>, ...names: string[]): Promise<void> => {
  const before = tab.underWay();
  await tab.queue.add(names.map(settings));
  if (before === null) await vi.waitFor(() => expect(tab.underWay()).not.toBeNull());
};

test('runs start one after the other, each when the one before is over', async () => {
  const tab = visit();
  await add(tab, 'a', 'b', 'c');
  expect([tab.underWay(), await tab.waiting()]).toEqual(['a', ['b', 'c']]);
  await tab.end('finished');
  expect([tab.underWay(), await tab.waiting()]).toEqual(['b', ['c']]);
  await tab.end('stopped');
  await tab.end('finished');
  expect([tab.underWay(), await tab.waiting()]).toEqual([null, []]);
  expect(await tab.store.exists(QUEUE_PATH)).toBe(false);
});

test('what waits is told with the time that it takes, can be moved and removed, and keeps its settings', async () => {
  const tab = visit();
  await add(tab, 'a', 'b', 'c', 'd');
  const [b, c, d] = (await tab.queue.list()).waiting;
  await vi.waitFor(() =>
    expect(tab.told.at(-1)?.waiting.map(({ seconds }) => seconds)).toEqual([60, 60, 60]),
  );
  await tab.queue.move(d?.id ?? '', 0);
  await tab.queue.move(b?.id ?? '', 9);
  expect(await tab.waiting()).toEqual(['d', 'c', 'b']);
  await tab.queue.move('gone', 0);
  await tab.queue.remove([c?.id ?? '']);
  expect((await tab.queue.list()).waiting.map((entry) => entry.settings)).toEqual([
    settings('d'),
    settings('b'),
  ]);
});

test('after a reload the run that was interrupted is resumed, and the others follow it', async () => {
  const before = visit();
  await add(before, 'a', 'b');
  const [record] = before.records.values();
  if (!record) throw new Error('no run');
  const after = visit(before.store, new Map([[record.id, { ...record, status: 'interrupted' }]]));
  expect((await after.queue.list()).held).toMatchObject({ code: 'queue/held' });
  await after.queue.goOn('opened');
  expect([after.underWay(), await after.waiting()]).toEqual(['a, resumed', ['b']]);
  await after.end('finished');
  expect(after.underWay()).toBe('b');
});

test('a run whose page was closed before it had begun starts again, and none starts twice', async () => {
  const before = visit();
  before.openModel(MODEL);
  await add(before, 'a', 'b');
  const never = visit(before.store);
  await never.queue.goOn('opened');
  expect([never.underWay(), await never.waiting()]).toEqual(['a', ['b']]);
  const late = visit(
    before.store,
    new Map([...never.records].map(([id, run]) => [id, { ...run, status: 'finished' }])),
  );
  await late.queue.goOn('opened');
  expect([late.underWay(), await late.waiting()]).toEqual(['b', []]);
});

test.each(['paused', 'failed'] as const)(
  'a run that is %s holds the others until a person asks, or ends it',
  async (status) => {
    const tab = visit();
    await add(tab, 'a', 'b', 'c');
    await tab.end(status);
    expect([tab.underWay(), await tab.waiting()]).toEqual([null, ['b', 'c']]);
    expect((await tab.queue.list()).held?.what).toContain('a ');
    // Neither a reload nor more runs change that.
    await tab.queue.goOn('opened');
    await tab.queue.add([settings('d')]);
    await tab.queue.goOn('opened');
    expect(tab.underWay()).toBeNull();
    await tab.queue.goOn('asked');
    expect([tab.underWay(), await tab.waiting()]).toEqual(['b', ['c', 'd']]);
    expect((await tab.queue.list()).held).toBeNull();
  },
);

test('a run whose loss left all numbers does not hold the others', async () => {
  const tab = visit();
  await add(tab, 'steep', 'gentle');
  expect(tab.underWay()).toBe('steep');
  await tab.end('failed', { code: 'train/not-finite', what: 'The loss is not a number.', cure: 'Lower it.' });
  expect(tab.underWay()).toBe('gentle');
});

test('a run that was paused is gone when it is deleted, and the next one starts', async () => {
  const tab = visit();
  await add(tab, 'a', 'b');
  await tab.end('paused');
  const [id] = tab.records.keys();
  await tab.queue.forget(id ?? '');
  tab.records.delete(id ?? '');
  await tab.queue.goOn('over');
  expect([tab.underWay(), await tab.waiting()]).toEqual(['b', []]);
});

test('what cannot start says why and holds the others; it is tried again when a person asks, or leaves the queue', async () => {
  const tab = visit();
  tab.refuse(
    new Failure({
      code: 'train/no-images',
      what: 'No image has a mask.',
      where: 'cells',
      cure: 'Add masks.',
    }),
  );
  await tab.queue.add([settings('a'), settings('b')]);
  await vi.waitFor(async () => expect((await tab.queue.list()).held?.code).toBe('train/no-images'));
  expect(await tab.waiting()).toEqual(['a', 'b']);
  tab.refuse(null);
  const after = visit(tab.store);
  await after.queue.goOn('opened');
  expect((await after.queue.list()).waiting[0]?.failure?.cure).toBe('Add masks.');
  await after.queue.goOn('asked');
  expect([after.underWay(), await after.waiting()]).toEqual(['a', ['b']]);
});

test('runs wait for the model that they were set up for', async () => {
  const tab = visit();
  await add(tab, 'a', 'b');
  tab.openModel({ name: 'other', hash: 'def' });
  await tab.end('finished');
  expect((await tab.queue.list()).held).toMatchObject({
    code: 'run/other-model',
    cure: expect.stringContaining('micro'),
  });
  tab.openModel(MODEL);
  await tab.queue.goOn('opened');
  expect(tab.underWay()).toBe('b');
  tab.openModel(null);
  await expect(tab.queue.add([settings('c')])).rejects.toThrow('No model is open.');
});

test('what waits waits for a run that a person started beside the queue, too', async () => {
  const tab = visit();
  await add(tab, 'a', 'b');
  await tab.end('paused');
  tab.begin('other', 'other');
  await tab.queue.began('other');
  await tab.end('finished');
  expect(tab.underWay()).toBe('b');
});

test('a run that was under way before any waited, here or in another tab, is gone on with before the others', async () => {
  const left = (tab: ReturnType<typeof visit>) =>
    visit(tab.store, new Map([...tab.records].map(([id, run]) => [id, { ...run, status: 'interrupted' }])));
  const tab = visit();
  tab.begin('first', 'first');
  await tab.queue.began('first');
  await add(tab, 'a');
  const next = left(tab);
  await next.queue.goOn('opened');
  expect([next.underWay(), await next.waiting()]).toEqual(['first, resumed', ['a']]);
  const there = visit();
  there.begin('first', 'first');
  const lock = await runLocks.take('first');
  const here = left(there);
  await here.queue.add([settings('b')]);
  expect(here.underWay()).toBeNull();
  // Its tab is closed.
  await lock.release();
  await here.queue.goOn('opened');
  expect([here.underWay(), await here.waiting()]).toEqual(['first, resumed', ['b']]);
});

test('another tab starts nothing while a run is under way, and two tabs do not start the same run', async () => {
  const tab = visit();
  await add(tab, 'a', 'b');
  const [record] = tab.records.values();
  if (!record) throw new Error('no run');
  const lock = await runLocks.take(record.id);
  // As storage tells it to who does not run it.
  const other = visit(tab.store, new Map([[record.id, { ...record, status: 'interrupted' }]]));
  await other.queue.goOn('opened');
  expect([other.underWay(), (await other.queue.list()).held]).toEqual([null, null]);
  await lock.release();
  other.records.set(record.id, { ...record, status: 'finished' });
  // One that is renamed keeps no other from its turn.
  const renamed = await runLocks.take(record.id);
  await Promise.all([tab.end('finished'), other.queue.goOn('opened')]);
  await renamed.release();
  expect([tab.underWay(), other.underWay()].filter((name) => name === 'b')).toHaveLength(1);
});

test.each([
  ['no JSON', '{"version":'],
  ['of a later version', '{"version":2,"runs":[]}'],
  ['of other types', '{"version":1,"current":null,"waiting":[{"id":7}]}'],
  ['a list', '[]'],
])('a stored queue that is %s is left out and said, and a new one can be made', async (_, text) => {
  const store = new MemoryStore();
  await store.write(QUEUE_PATH, new TextEncoder().encode(text));
  const tab = visit(store);
  expect(await tab.waiting()).toEqual([]);
  expect(tab.warnings[0]).toContain('cannot be read');
  await add(tab, 'a', 'b');
  expect((await readQueue(store))?.waiting.map((entry) => entry.settings.name)).toEqual(['b']);
});
