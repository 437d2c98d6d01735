import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { SAM_PREPROCESSING } from '../../config/sam.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { parsePreprocessor } from '../../sam/checkpoint/parse-config.ts';
import { type FakeHub, openFakeHub } from '../../testing/fake-hub.ts';
import type { CatalogueModel } from './catalogue.ts';
import type { DownloadParts, DownloadProgress } from './fetch-file.ts';
import {
  downloadModel,
  freeModel,
  storedBytes,
  storedModel,
  storedModels,
  storedSources,
} from './stored-models.ts';

/** Small, yet in several pieces of the network. */
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 251);
const PATH = 'facebook/sam-tiny/model.safetensors';
const sha256 = createHash('sha256').update(weights).digest('hex');
const MODEL: CatalogueModel = {
  id: 'tiny',
  label: 'Tiny SAM',
  use: 'Tests.',
  family: 'SAM, ViT',
  licence: 'Apache-2.0',
  page: 'https://hub.example/facebook/sam-tiny',
  repository: 'facebook/sam-tiny',
  revision: 'main',
  bytes: weights.length,
  files: [{ name: 'model.safetensors', bytes: weights.length, sha256 }],
  config: { vision_config: {} },
};
/** A record without a length or checksum. */
const UNKNOWN: CatalogueModel = { ...MODEL, files: [{ name: 'model.safetensors' }] };

let hub: FakeHub;
let store: MemoryStore;
let waits: number[];
beforeAll(async () => {
  hub = await openFakeHub({ [PATH]: weights });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.files.set(PATH, weights);
  hub.faults.length = 0;
  hub.requests.length = 0;
  hub.showsHeaders = true;
  store = new MemoryStore();
  waits = [];
});

const parts = (changes: Partial<DownloadParts> = {}): DownloadParts => ({
  store,
  fetch: (url, init) => fetch(url, init),
  freeBytes: async () => null,
  isOnline: () => true,
  wait: async (milliseconds) => void waits.push(milliseconds),
  now: () => 1000,
  ...changes,
});

const download = (model = MODEL, changes: Partial<DownloadParts> = {}, options = {}) =>
  downloadModel(model, parts(changes), { hub: hub.url, ...options });

async function failure(work: Promise<unknown>): Promise<{ code: string; what: string; cure: string }> {
  const thrown = await work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  return (
    (thrown as { record?: { code: string; what: string; cure: string } }).record ?? {
      code: String(thrown),
      what: '',
      cure: '',
    }
  );
}

const kept = () => storedBytes(store, MODEL);

async function expectStored(): Promise<void> {
  const [source] = await storedSources(store, 'tiny');
  // A comparison element by element would take seconds.
  expect(source && Buffer.compare(await source.read(0, source.size), weights)).toBe(0);
}

it('stores a model through the redirect, checked, with its config and a manifest; a second time asks nobody', async () => {
  const seen: DownloadProgress[] = [];
  const stored = await download(
    MODEL,
    {},
    { onProgress: (progress: DownloadProgress) => seen.push(progress) },
  );
  expect(stored.files).toEqual([
    { name: 'model.safetensors', bytes: weights.length, sha256, isChecked: true },
  ]);
  expect((await storedSources(store, 'tiny')).map(({ name }) => name)).toEqual([
    'tiny/model.safetensors',
    'tiny/config.json',
    'tiny/preprocessor_config.json',
  ]);
  await expectStored();
  expect((await store.list('models/tiny')).map(({ name }) => name)).toEqual([
    'config.json',
    'model.json',
    'model.safetensors',
    'preprocessor_config.json',
  ]);
  expect(seen[0]).toEqual({ phase: 'downloading', done: 0, total: weights.length });
  expect(seen.at(-1)).toMatchObject({ phase: 'checking', total: weights.length });
  expect(await download(MODEL, { fetch: () => Promise.reject(new Error('no network')) })).toEqual(stored);
  expect(await storedModels(store)).toEqual([stored]);
  await freeModel(store, 'tiny');
  expect([await store.list(''), await kept()]).toEqual([[], 0]);
});

it('writes down how images are prepared and the decoder’s heads, which no weight tells', async () => {
  const preprocessor = { aspect: 'stretch', normalisation: 'min-max' };
  const jsonOf = async (file: string) => {
    const source = (await storedSources(store, 'tiny')).find(({ name }) => name === `tiny/${file}`);
    return JSON.parse(new TextDecoder().decode(await source?.read(0, source.size))) as unknown;
  };
  await download(MODEL);
  expect(await jsonOf('config.json')).toMatchObject({ mask_decoder_config: { num_attention_heads: 8 } });
  expect(parsePreprocessor(await jsonOf('preprocessor_config.json'), 'p')).toEqual(SAM_PREPROCESSING);
  await freeModel(store, 'tiny');
  await download({ ...MODEL, preprocessor });
  expect(await jsonOf('preprocessor_config.json')).toEqual(preprocessor);
});

it.each([true, false])(
  'goes on where the connection broke, with the server’s headers shown: %s',
  async (shown) => {
    hub.showsHeaders = shown;
    hub.faults.push({ kind: 'cut', after: 100_000 }, { kind: 'cut', after: 50_000 });
    await download();
    await expectStored();
    const [first, ...ranges] = hub.requests;
    expect(first).toBe('whole');
    const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
    expect(starts.length).toBe(2);
    expect(starts[0]).toBeGreaterThan(0);
    expect(starts[1]).toBeGreaterThan(starts[0] ?? 0);
  },
);

it('keeps what was downloaded when it is cancelled, and goes on from there in another session', async () => {
  const controller = new AbortController();
  hub.faults.push({ kind: 'stall', after: 120_000 });
  const cancelled = download(
    MODEL,
    {},
    {
      signal: controller.signal,
      onProgress: ({ done }: DownloadProgress) => done > 0 && controller.abort(),
    },
  );
  await expect(cancelled).rejects.toThrow(/abort/i);
  hub.goOn();
  const done = await kept();
  expect(done).toBeGreaterThan(0);
  expect(await storedModel(store, 'tiny')).toBeNull();
  await download();
  expect(hub.requests).toEqual(['whole', `bytes=${done}-`]);
  await expectStored();
});

it('takes a connection that falls silent for a broken one', async () => {
  hub.faults.push({ kind: 'stall', after: 100_000 });
  await download(MODEL, { patience: 500 });
  hub.goOn();
  expect(hub.requests.at(-1)).toMatch(/^bytes=\d+-$/);
  await expectStored();
});

it('gives up after five tries that brought nothing, waits longer each time, and keeps the part', async () => {
  hub.faults.push({ kind: 'cut', after: 100_000 });
  for (let i = 0; i < 9; i++) hub.faults.push({ kind: 'status', status: 503 });
  expect(await failure(download())).toMatchObject({
    code: 'download/server',
    cure: expect.stringContaining('kept'),
  });
  expect(waits).toEqual([1000, 2000, 4000, 8000]);
  expect(await kept()).toBeGreaterThan(0);
  hub.faults.length = 0;
  await download();
  await expectStored();
});

it('waits as long as the server asks, and gives the time where that is too long', async () => {
  hub.faults.push({ kind: 'status', status: 429, retryAfter: '7' });
  hub.faults.push({ kind: 'status', status: 429, retryAfter: new Date(61_000).toUTCString() });
  await download();
  expect(waits).toEqual([7000, 60_000]);
  await freeModel(store, 'tiny');
  hub.faults.push({ kind: 'status', status: 429, retryAfter: '3600' });
  expect(await failure(download())).toMatchObject({
    code: 'download/too-many',
    cure: expect.stringContaining('3600 seconds'),
  });
});

it.each([
  [404, 'download/missing'],
  [410, 'download/missing'],
  [401, 'download/gated'],
  [403, 'download/gated'],
  [400, 'download/refused'],
])('says of status %i what it is, at once', async (status, code) => {
  hub.faults.push({ kind: 'status', status });
  expect(await failure(download())).toMatchObject({ code });
  expect(waits).toEqual([]);
});

it('says that the hub has no such file', async () => {
  expect(await failure(download({ ...MODEL, repository: 'facebook/none' }))).toMatchObject({
    code: 'download/missing',
  });
});

it.each([false, true])('takes no web page for weights, disguised as a file: %s', async (disguised) => {
  hub.faults.push({ kind: 'page', disguised });
  expect(await failure(download(UNKNOWN))).toMatchObject({ code: 'download/html' });
  expect(await kept()).toBe(0);
});

it('begins again where the server gives no ranges', async () => {
  hub.faults.push({ kind: 'cut', after: 100_000 }, { kind: 'no-range' });
  await download();
  await expectStored();
});

it.each([true, false])(
  'notices that the file changed between two parts, with its length: %s',
  async (sameLength) => {
    hub.faults.push({ kind: 'cut', after: 100_000 });
    const changing = download(UNKNOWN, {
      wait: async () => void hub.files.set(PATH, sameLength ? weights.toReversed() : weights.subarray(1)),
    });
    expect(await failure(changing)).toMatchObject({ code: 'download/changed' });
    expect(await kept()).toBe(0);
    hub.files.set(PATH, weights);
    await download(UNKNOWN);
    await expectStored();
  },
);

it('takes no rest that begins elsewhere', async () => {
  hub.faults.push({ kind: 'cut', after: 100_000 }, { kind: 'wrong-range' });
  expect(await failure(download())).toMatchObject({ code: 'download/changed' });
  expect(await kept()).toBe(0);
});

it('refuses another length than the record’s before it downloads it', async () => {
  hub.files.set(PATH, weights.subarray(0, 299_999));
  expect(await failure(download())).toMatchObject({
    code: 'download/length',
    what: 'The file has 299,999 bytes there, and the model has 300,000.',
  });
  expect(await kept()).toBe(0);
});

it('refuses other bytes of the same length, and removes them', async () => {
  hub.files.set(PATH, weights.toReversed());
  expect(await failure(download())).toMatchObject({ code: 'download/checksum' });
  expect(await kept()).toBe(0);
  expect(await storedModel(store, 'tiny')).toBeNull();
});

it('refuses an empty file', async () => {
  hub.files.set(PATH, new Uint8Array());
  expect(await failure(download(UNKNOWN))).toMatchObject({ code: 'download/empty' });
});

it('takes the server’s length where the record has none, and says that no checksum was known', async () => {
  const seen: DownloadProgress[] = [];
  const stored = await download(
    UNKNOWN,
    {},
    { onProgress: (progress: DownloadProgress) => seen.push(progress) },
  );
  expect(seen[0]).toEqual({ phase: 'downloading', done: 0, total: weights.length });
  expect(stored.files).toMatchObject([{ sha256, isChecked: false }]);
});

it('says how much room is missing before it downloads anything', async () => {
  expect(await failure(download(MODEL, { freeBytes: async () => 100_000 }))).toMatchObject({
    code: 'download/no-room',
    what: '293 KiB are still to come, and there is room for 97.7 KiB: 195 KiB are missing.',
  });
  expect(await kept()).toBe(0);
});

it('counts only what is still to come against the room', async () => {
  hub.faults.push({ kind: 'cut', after: 200_000 });
  hub.faults.push({ kind: 'status', status: 400 });
  expect(await failure(download())).toMatchObject({ code: 'download/refused' });
  const left = weights.length - (await kept());
  await download(MODEL, { freeBytes: async () => left });
  await expectStored();
});

it('says that the disk is full when it fills up on the way', async () => {
  store = new MemoryStore(150_000);
  expect(await failure(download())).toMatchObject({ code: 'storage/full' });
});

it('says that the machine is offline, at once', async () => {
  expect(await failure(download(MODEL, { isOnline: () => false }))).toMatchObject({
    code: 'download/offline',
  });
  expect(hub.requests).toEqual([]);
});

it('says which host cannot be reached, and how else to get the file', async () => {
  const unreachable = download(MODEL, { fetch: () => Promise.reject(new TypeError('Failed to fetch')) });
  expect(await failure(unreachable)).toMatchObject({
    code: 'download/unreachable',
    what: `${new URL(hub.url).host} could not be reached (Failed to fetch).`,
    cure: expect.stringContaining('another machine'),
  });
});

it('does not take a stored file for whole that was shortened', async () => {
  await download();
  await store.write('models/tiny/model.safetensors', weights.subarray(0, 10));
  expect(await failure(storedSources(store, 'tiny'))).toMatchObject({ code: 'model/damaged' });
});

it('lists no model whose manifest is not there, cannot be read or is of a newer version', async () => {
  const stored = await download();
  for (const text of ['', '{', '[]', JSON.stringify({ ...stored, version: 2 })]) {
    await store.write('models/tiny/model.json', new TextEncoder().encode(text));
    expect(await storedModels(store)).toEqual([]);
    expect(await failure(storedSources(store, 'tiny'))).toMatchObject({ code: 'model/not-stored' });
  }
});
