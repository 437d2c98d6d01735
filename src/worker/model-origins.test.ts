import { beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../config/failure.ts';
import { MemoryStore } from '../data/memory-store.ts';
import type { ByteSource } from '../sam/checkpoint/byte-source.ts';
import type { EngineState, ModelOrigin } from './engine-state.ts';
import {
  droppedOrigin,
  embeddedOrigin,
  forgetDropped,
  keepDropped,
  keptModel,
  openAtStart,
  rememberOpened,
} from './model-origins.ts';
import type { EngineEvent, ModelInfo } from './protocol.ts';
import type { CallContext } from './serve.ts';

const INDEX = {
  default: 'tiny',
  models: [{ id: 'tiny', label: 'Tiny SAM', bytes: 4, licence: 'Apache-2.0' }],
};
const weights = Uint8Array.from({ length: 100 }, (_, i) => i);
const call: CallContext = {
  signal: new AbortController().signal,
  progress: () => undefined,
  transfer: () => undefined,
};
const files = [
  { path: 'med/model.safetensors', file: new File([weights], 'model.safetensors') },
  { path: 'med/config.json', file: new File(['{}'], 'config.json') },
  { path: 'med/README.md', file: new File(['Read me.'], 'README.md') },
];

/** A state whose models open as `open` says. */
function fakeState(store: MemoryStore, open: (origin: ModelOrigin) => Promise<void> = async () => undefined) {
  const opened: ModelOrigin[] = [];
  const events: EngineEvent[] = [];
  const state = {
    store,
    storageFailure: null,
    modelBaseUrl: 'https://site/models/',
    emit: (event: EngineEvent) => void events.push(event),
    openModel: async (origin: ModelOrigin) => {
      await open(origin);
      opened.push(origin);
      return { name: origin.name } as ModelInfo;
    },
  };
  return { state: state as unknown as EngineState, opened, events };
}

beforeEach(() => {
  vi.stubGlobal('fetch', async () => Response.json(INDEX));
});

test('a dropped model is what the next visit starts with, and only the parts that are asked for are read', async () => {
  const store = new MemoryStore();
  await keepDropped(fakeState(store).state, files);
  const read = vi.spyOn(store, 'read');
  let sources: readonly ByteSource[] = [];
  const { state, opened } = fakeState(store, async (origin) => {
    sources = await origin.files({});
  });
  await openAtStart(state, call);
  expect(opened).toMatchObject([{ source: 'file', embeddedId: null, name: 'med' }]);
  expect(sources.map(({ name, size }) => [name, size])).toEqual([
    ['med/model.safetensors', 100],
    ['med/config.json', 2],
  ]);
  expect(await sources[0]?.read(98, 2)).toEqual(Uint8Array.of(98, 99));
  expect(read.mock.calls).toEqual([['opened-model.json'], ['model/model.json']]);
});

test('a stored model that cannot be opened is named, and the default of the site takes its place', async () => {
  const store = new MemoryStore();
  await keepDropped(fakeState(store).state, files);
  const { state, opened, events } = fakeState(store, async ({ source }) => {
    if (source === 'file')
      throw new Failure({ code: 'model/x', what: 'Damaged.', where: 'w', cure: 'None.' });
  });
  await openAtStart(state, call);
  expect(opened).toMatchObject([{ source: 'embedded', embeddedId: 'tiny', name: 'Tiny SAM' }]);
  expect(events).toMatchObject([
    { type: 'log', level: 'warning', text: expect.stringContaining('w: Damaged.') },
  ]);
});

test('a model that does not fit the storage is said so, and leaves nothing there', async () => {
  const store = new MemoryStore(50);
  const { state, events } = fakeState(store);
  await keepDropped(state, files);
  expect(events).toMatchObject([{ type: 'log', level: 'warning' }]);
  expect(await store.list('')).toEqual([]);
});

test('nothing is stored where the storage does not outlive the visit', async () => {
  const store = new MemoryStore();
  const { state, events } = fakeState(store);
  await keepDropped({ ...state, storageFailure: { code: 's', what: '', cure: '' } } as EngineState, files);
  expect(await store.list('')).toEqual([]);
  expect(events).toEqual([]);
});

test('a forgotten model is not opened again', async () => {
  const store = new MemoryStore();
  await keepDropped(fakeState(store).state, files);
  await forgetDropped(store);
  const { state, opened } = fakeState(store);
  await openAtStart(state, call);
  expect(opened).toMatchObject([{ source: 'embedded' }]);
});

test('a model of the site is found by its id or as the default; another id names those that are there', async () => {
  expect(await embeddedOrigin('https://site/models/', null)).toMatchObject({ name: 'Tiny SAM' });
  await expect(embeddedOrigin('https://site/models/', 'huge')).rejects.toMatchObject({
    record: { code: 'model/unknown', where: 'huge', cure: 'Choose one of tiny.' },
  });
});

test('dropped files are called by their folder, or by the file itself', () => {
  expect(droppedOrigin(files).name).toBe('med');
  expect(droppedOrigin([{ path: 'vit_b.safetensors', file: new File([], 'a') }]).name).toBe('vit_b');
});

test('the next visit starts with the model that was opened last; a dropped one stays until it is freed', async () => {
  const store = new MemoryStore();
  await keepDropped(fakeState(store).state, files);
  await rememberOpened(store, { source: 'embedded', embeddedId: 'tiny', catalogueId: null });
  const embedded = fakeState(store);
  await openAtStart(embedded.state, call);
  expect(embedded.opened).toMatchObject([{ source: 'embedded', embeddedId: 'tiny' }]);
  expect(await keptModel(store)).toMatchObject({ name: 'med' });
  await rememberOpened(store, { source: 'file', embeddedId: null, catalogueId: null });
  const dropped = fakeState(store);
  await openAtStart(dropped.state, call);
  expect(dropped.opened).toMatchObject([{ source: 'file', name: 'med' }]);
});

test('what was opened last and cannot be found is named, and the default of the site takes its place', async () => {
  const store = new MemoryStore();
  await rememberOpened(store, { source: 'embedded', embeddedId: 'gone', catalogueId: null });
  const { state, opened, events } = fakeState(store);
  await openAtStart(state, call);
  expect(opened).toMatchObject([{ embeddedId: 'tiny' }]);
  expect(events).toMatchObject([{ level: 'warning', text: expect.stringContaining('gone') }]);
});
