import { beforeEach, expect, test, vi } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import { encodeImagePng } from '../../data/encode-png.ts';
import { maskObject } from '../../data/mask-runs.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { FoundFile } from '../../engine/find/found-file.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { DatasetRepository } from '../dataset-repository.ts';
import { FoundResults } from './found-results.ts';

const SIZE = { width: 6, height: 4 };
const object = {
  ...maskObject(Uint32Array.of(7, 3), SIZE.width),
  predictedIou: 0.75,
  stability: 0.9,
  point: [1, 1] as const,
};

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

/** Two datasets; the images of the second are a.png and b.png. */
async function open() {
  const store = new MemoryStore();
  const datasets = new DatasetRepository(store);
  const image = encodeImagePng({ ...SIZE, channels: 3, data: new Uint8Array(72) });
  const dataset = (name: string, names: readonly string[]) => ({
    name,
    samples: names.map((file) => ({
      name: file,
      image: { path: file, size: image.length, bytes: async () => image },
    })),
  });
  const sets = [dataset('other', ['a.png']), dataset('cells', ['a.png', 'b.png'])];
  const call = { signal: new AbortController().signal, onProgress: () => undefined };
  const [, cells] = (await datasets.add(sets, [], call)).datasets;
  return { results: new FoundResults({ store, datasets }), datasetId: cells?.id ?? '' };
}

/** A `found.jsonl` as the command line writes it. */
async function fileOf(names: readonly string[], size = SIZE): Promise<Uint8Array> {
  const store = new MemoryStore();
  const origin = { model: 'abc', adapter: null, settings: parseFindSettings({}), scale: 'whole' } as const;
  const file = await FoundFile.open(store, 'found.jsonl', origin);
  for (const name of names) await file.add({ name, ...size, objects: [object] });
  return store.read('found.jsonl');
}

test('what was found elsewhere is kept with the dataset that has all of its images, in place of what was there', async () => {
  const { results, datasetId } = await open();
  const bytes = await fileOf(['a.png', 'b.png']);
  const samples = ['a.png', 'b.png'].map((sampleId) => ({ sampleId, objectCount: 1, isReviewed: false }));
  expect(await results.bring(bytes)).toMatchObject({ datasetId, samples, imageCount: 2 });
  expect((await results.waiting({ datasetId, sampleId: 'b.png' }))?.objects).toEqual([object]);
  await results.review({ datasetId, sampleId: 'a.png' });
  expect((await results.of(datasetId))?.samples.map(({ isReviewed }) => isReviewed)).toEqual([true, false]);
  expect(await results.bring(await fileOf(['b.png']))).toMatchObject({
    datasetId,
    samples: samples.slice(1),
  });
});

test('what no dataset has the images of, or is no such file, changes nothing', async () => {
  const { results, datasetId } = await open();
  await results.bring(await fileOf(['b.png']));
  const bytes = await fileOf(['b.png']);
  for (const other of [
    await fileOf(['a.png', 'c.png']),
    await fileOf(['b.png'], { width: 7, height: 4 }),
    await fileOf([]),
    new TextEncoder().encode(new TextDecoder().decode(bytes).replace('"version":3', '"version":9')),
    bytes.subarray(0, 20),
    new Uint8Array(0),
  ])
    expect(await results.bring(other)).toBeNull();
  expect((await results.of(datasetId))?.samples).toHaveLength(1);
});

test('what is left of an image stands in place of what was found, until all of it is reviewed or the dataset is searched anew', async () => {
  const { results, datasetId } = await open();
  const ref = { datasetId, sampleId: 'b.png' };
  const other = { ...object, ...maskObject(Uint32Array.of(13, 3), SIZE.width) };
  await results.keepLeft(ref, [other]);
  expect(await results.waiting(ref), 'no one knows what found it').toBeNull();
  await results.bring(await fileOf(['a.png', 'b.png']));
  await results.keepLeft(ref, [other]);
  expect(await results.waiting(ref)).toEqual({ objects: [other], modelName: null });
  expect((await results.waiting({ datasetId, sampleId: 'a.png' }))?.objects).toEqual([object]);
  await results.review(ref);
  expect(await results.waiting(ref)).toBeNull();
  // What was accepted last is undone.
  await results.keepLeft(ref, [object, other]);
  expect((await results.waiting(ref))?.objects).toHaveLength(2);
  // Thresholds leave nothing of it.
  await results.keepLeft(ref, []);
  expect(await results.waiting(ref)).toBeNull();

  const origin = { model: 'abc', adapter: null, settings: parseFindSettings({}), scale: 'whole' } as const;
  await results.keepLeft(ref, [other], { ...origin, name: 'tiny' });
  await results.fileFor(datasetId, { ...origin, settings: parseFindSettings({ iou: 0.4 }) });
  expect(await results.waiting(ref)).toBeNull();
});

test('what is left of an image alone is forgotten when its dataset is searched for the first time', async () => {
  const { results, datasetId } = await open();
  const ref = { datasetId, sampleId: 'b.png' };
  const origin = { model: 'abc', adapter: null, settings: parseFindSettings({}), scale: 'whole' } as const;
  await results.keepLeft(ref, [object], origin);
  expect(await results.of(datasetId), 'one image is not its dataset').toBeNull();
  expect((await results.waiting(ref))?.objects).toEqual([object]);
  await results.fileFor(datasetId, origin);
  expect(await results.waiting(ref)).toBeNull();
  await results.keepLeft(ref, [object], origin);
  expect(await results.review(ref)).not.toBeNull();
});
