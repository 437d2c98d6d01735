import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { MemoryStore } from '../data/memory-store.ts';
import type { CatalogueModel } from '../engine/catalogue/catalogue.ts';
import { storedModel } from '../engine/catalogue/stored-models.ts';
import { type FakeHub, openFakeHub } from '../testing/fake-hub.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import type { EngineState, ModelOrigin } from './engine-state.ts';
import { keepChoices } from './model-choices.ts';
import {
  catalogueConfig,
  downloadFromCatalogue,
  freeFromLibrary,
  modelLibrary,
  needStored,
} from './model-library.ts';
import { openAtStart, rememberOpened } from './model-origins.ts';
import type { ModelInfo, Progress } from './protocol.ts';
import type { CallContext } from './serve.ts';
import { modelLocks } from './tab-locks.ts';

const weights = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
/** A record of the site's own list. */
const OWN: CatalogueModel = {
  id: 'clinic',
  label: 'Clinic SAM',
  use: 'Retinas.',
  family: 'SAM, ViT-B',
  licence: 'Internal',
  page: 'https://clinic.example/sam',
  repository: 'clinic/sam',
  revision: 'v1',
  bytes: weights.length,
  files: [{ name: 'model.safetensors', bytes: weights.length }],
  config: { vision_config: { hidden_size: 384, mlp_dim: 1536 } },
};
const INDEX = {
  default: 'tiny',
  models: [{ id: 'tiny', label: 'Tiny SAM', bytes: 4, licence: 'Apache-2.0' }],
  downloads: [OWN],
};

let hub: FakeHub;
let store: MemoryStore;
let state: EngineState;
let opened: ModelOrigin[];
const reported: Progress[] = [];
const call: CallContext = {
  signal: new AbortController().signal,
  progress: (progress) => void reported.push(progress),
  transfer: () => undefined,
};

beforeAll(async () => {
  hub = await openFakeHub({ 'clinic/sam/model.safetensors': weights });
});
afterAll(() => hub.close());
beforeEach(() => {
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) =>
    url.startsWith('https://site/') ? Response.json(INDEX) : fetch(url, init),
  );
  vi.stubGlobal('navigator', {
    onLine: true,
    locks: fakeWebLocks(),
    storage: { estimate: async () => ({ quota: 1e6, usage: 1000 }) },
  });
  store = new MemoryStore();
  opened = [];
  state = {
    store,
    storageFailure: null,
    modelBaseUrl: 'https://site/models/',
    modelHub: hub.url,
    model: null,
    emit: () => undefined,
    openModel: async (origin: ModelOrigin) => {
      opened.push(origin);
      return { name: origin.name } as ModelInfo;
    },
  } as unknown as EngineState;
  return () => vi.unstubAllGlobals();
});

const entry = async () => (await modelLibrary(state)).catalogue.find(({ id }) => id === 'clinic');

test('a model of the site’s own list is downloaded, listed, opened at the next visit, and freed', async () => {
  expect(await entry()).toMatchObject({
    state: 'absent',
    hasChecksum: false,
    from: `${new URL(hub.url).host}/clinic/sam`,
  });
  expect(await catalogueConfig(state, 'clinic')).toMatchObject({ encoder: { hiddenSize: 384 } });
  await downloadFromCatalogue(state, 'clinic', call);
  expect(reported[0]).toEqual({ done: 0, total: 5000, label: 'Downloading Clinic SAM' });
  expect(await entry()).toMatchObject({ state: 'stored', storedBytes: 5000 });
  await keepChoices(store, { aspect: 'stretch' }, 'models/clinic');
  const origin = await needStored(state, 'clinic');
  expect(origin.choices).toEqual({ aspect: 'stretch' });
  await rememberOpened(store, { source: 'catalogue', embeddedId: null, catalogueId: 'clinic' });
  await openAtStart(state, call);
  expect(opened).toMatchObject([{ source: 'catalogue', catalogueId: 'clinic', name: 'Clinic SAM' }]);
  const [source] = await origin.files({});
  expect(await source?.read(250, 3)).toEqual(Uint8Array.of(250, 0, 1));
  await freeFromLibrary(state, 'clinic');
  expect(await entry()).toMatchObject({ state: 'absent', storedBytes: 0 });
  await expect(needStored(state, 'clinic')).rejects.toMatchObject({ record: { code: 'model/not-stored' } });
  await openAtStart(state, call);
  expect(opened.at(-1)).toMatchObject({ source: 'embedded', embeddedId: 'tiny' });
});

test('a stored model that no list has any more can still be opened and freed', async () => {
  await downloadFromCatalogue(state, 'clinic', call);
  vi.stubGlobal('fetch', async () => Response.json({ ...INDEX, downloads: [] }));
  expect(await entry()).toMatchObject({ label: 'Clinic SAM', use: '', state: 'stored', storedBytes: 5000 });
});

test('a part of a model is listed and can be freed', async () => {
  await store.write('models/clinic/model.safetensors.part', weights.subarray(0, 3000));
  expect(await entry()).toMatchObject({ state: 'partial', storedBytes: 3000 });
  await freeFromLibrary(state, 'clinic');
  expect(await entry()).toMatchObject({ state: 'absent', storedBytes: 0 });
});

test('two tabs do not download one model twice', async () => {
  const lock = await modelLocks.take('clinic');
  await expect(downloadFromCatalogue(state, 'clinic', call)).rejects.toMatchObject({
    record: { code: 'model/other-tab' },
  });
  await expect(freeFromLibrary(state, 'clinic')).rejects.toMatchObject({
    record: { code: 'model/other-tab' },
  });
  await lock.release();
  await downloadFromCatalogue(state, 'clinic', call);
  expect(await storedModel(store, 'clinic')).not.toBeNull();
});

test('the model that is open is not freed', async () => {
  const open = {
    ...state,
    model: { info: { source: 'catalogue', catalogueId: 'clinic', name: 'Clinic SAM' } },
  };
  await expect(freeFromLibrary(open as unknown as EngineState, 'clinic')).rejects.toMatchObject({
    record: { code: 'model/in-use' },
  });
});

test('nothing is downloaded where the browser stores nothing', async () => {
  const failure = { code: 'storage/unavailable', what: 'No storage.', cure: 'None.' };
  await expect(
    downloadFromCatalogue({ ...state, storageFailure: failure } as unknown as EngineState, 'clinic', call),
  ).rejects.toMatchObject({ record: failure });
});

test('what the browser still gives is counted before the download', async () => {
  vi.stubGlobal('navigator', {
    ...navigator,
    storage: { estimate: async () => ({ quota: 9000, usage: 5000 }) },
  });
  await expect(downloadFromCatalogue(state, 'clinic', call)).rejects.toMatchObject({
    record: { code: 'download/no-room' },
  });
});
