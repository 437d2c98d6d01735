import { beforeEach, expect, test, vi } from 'vitest';
import type { Dataset } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { newObject } from '../data/labels/objects.ts';
import { boxRuns } from '../data/labels/shapes.ts';
import { NO_HISTORY, NO_RUNS, type ObjectOrigin, type Runs } from '../data/labels/types.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { outFormats } from '../data/out/registry.ts';
import { readDatasets } from '../data/read-datasets.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { understoodDrop } from '../testing/understood-drop.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { KeptMaskRepository } from './kept-mask-repository.ts';
import { formatInfos, writeLabelFile } from './label-output.ts';
import { LabelRepository } from './label-repository.ts';
import type { LabelsRequest, Progress } from './protocol.ts';

const NAMES = ['a.png', 'b.png', 'c.png'];
const drawnSamples = NAMES.map((name) => drawSample(name, 1));

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

async function repositories() {
  const store = new MemoryStore();
  const datasets = new DatasetRepository(store);
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const dataset: Dataset = {
    name: 'Cells',
    samples: drawnSamples.map(({ image, labelling }, i) => ({
      name: NAMES[i] ?? '',
      image: lazy(`images/${i}.png`, encodeImagePng(image)),
      // The last one has no mask.
      ...(labelling && i < 2 ? { mask: lazy(`masks/${i}.png`, encodeMaskPng(labelling.labelMap)) } : {}),
    })),
  };
  const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
  const { datasets: added } = await datasets.add([dataset], [], quiet);
  return { store, datasets, kept: new KeptMaskRepository(store), datasetId: added[0]?.id ?? '' };
}

const call = (signal = new AbortController().signal) => {
  const said: Progress[] = [];
  return { said, context: { signal, progress: (progress: Progress) => void said.push(progress) } };
};

const request = (datasetId: string, more: Partial<LabelsRequest> = {}): LabelsRequest => ({
  source: { kind: 'dataset', datasetId },
  format: 'coco',
  withImages: true,
  pixelSize: null,
  to: null,
  ...more,
});

test('a dataset goes out as a zip that is the same dataset when it is dropped', async () => {
  const { datasetId, ...open } = await repositories();
  const { said, context } = call();
  const written = await writeLabelFile(request(datasetId), open, context);
  expect(written).toMatchObject({ images: 2, objects: 4, remarks: [] });
  expect(said).toEqual([
    { done: 0, total: 2, label: 'Writing a.png' },
    { done: 1, total: 2, label: 'Writing b.png' },
  ]);
  const zip = new Uint8Array((await written.file?.arrayBuffer()) ?? []);
  const { images, remarks } = await understoodDrop({ 'out.zip': zip });
  expect(remarks).toEqual([]);
  const areas = (path: string) => images[path]?.objects.map(([, area]) => area);
  const expected = (i: number) => drawnSamples[i]?.objects.regions.map(({ area }) => area);
  expect(areas('out.zip/images/a.png')).toEqual(expected(0));
  expect(areas('out.zip/images/b.png')).toEqual(expected(1));
  expect(Object.keys(images)).toHaveLength(2);
});

test('a format of one file goes out as that file, to where the person wants it', async () => {
  const { datasetId, ...open } = await repositories();
  const chunks: Uint8Array[] = [];
  const createWritable = async () =>
    new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  const to = { createWritable } as unknown as FileSystemFileHandle;
  const options = { format: 'csv', withImages: false, pixelSize: { size: 2, unit: 'nm' }, to };
  const written = await writeLabelFile(request(datasetId, options), open, call().context);
  expect(written.file).toBeNull();
  const rows = new TextDecoder().decode(await new Blob(chunks as BlobPart[]).bytes()).split('\r\n');
  expect(rows[0]).toContain('area_nm2');
  expect(rows).toHaveLength(1 + 4 + 1);
});

test('masks that were kept go out by their images', async () => {
  const { datasetId: _, ...open } = await repositories();
  const keep = { source: { kind: 'kept' } as const, withImages: false };
  await expect(writeLabelFile(request('', keep), open, call().context)).rejects.toMatchObject({
    record: { code: 'segment/no-masks' },
  });
  const mask = { imageName: 'left/cell.png', variantLabel: 'base', width: 3, height: 2 };
  await open.kept.keep({ ...mask, mask: Uint8Array.of(0, 1, 1, 0, 0, 1) }, 1000);
  await open.kept.keep({ ...mask, mask: Uint8Array.of(1, 0, 0, 0, 0, 0) }, 2000);
  const written = await writeLabelFile(request('', keep), open, call().context);
  expect(written).toMatchObject({ images: 1, objects: 2 });
  const json = JSON.parse((await written.file?.text()) ?? '') as { annotations: object[]; images: object[] };
  expect(json.images).toMatchObject([{ file_name: 'left/cell.png', width: 3, height: 2 }]);
  expect(json.annotations).toMatchObject([
    { area: 3, bbox: [1, 0, 2, 2], attributes: { origin: 'base' } },
    { area: 1, bbox: [0, 0, 1, 1] },
  ]);
});

test('what cannot go out says why, and a cancelled output ends', async () => {
  const { datasetId, ...open } = await repositories();
  await expect(
    writeLabelFile(request(datasetId, { format: 'svg' }), open, call().context),
  ).rejects.toMatchObject({ record: { code: 'out/no-format', where: 'svg' } });
  const cancelled = AbortSignal.abort(new Error('cancelled'));
  await expect(writeLabelFile(request(datasetId), open, call(cancelled).context)).rejects.toThrow();
});

test('the page knows every format, and which of them are one file', () => {
  const infos = formatInfos();
  expect(infos.map(({ id }) => id)).toEqual(outFormats.map(({ id }) => id));
  expect(infos.filter(({ onlyFile }) => onlyFile !== null).map(({ id }) => id)).toEqual([
    'coco',
    'coco-polygons',
    'csv',
  ]);
});

test.each(['coco', 'coco-polygons'])(
  'who made an object, and how sure of it, goes out as %s and comes back',
  async (format) => {
    const { datasetId, ...open } = await repositories();
    const store = new MemoryStore();
    const labels = (to: DatasetRepository, at: MemoryStore) => new LabelRepository(at, to);
    const origins: readonly ObjectOrigin[] = [
      { kind: 'imported' },
      { kind: 'drawn' },
      { kind: 'found', model: 'tiny, First', score: 0.875 },
      { kind: 'corrected', model: 'tiny' },
    ];
    const size = { width: 40, height: 28 };
    // The last lies over the first, of which its top is left.
    const objects = origins.map((origin, i) =>
      newObject(boxRuns([10 * (i % 3), 2 + 4 * Math.floor(i / 3), 10 * (i % 3) + 8, 20], size), 1, origin, {
        id: String(i),
        created: i,
      }),
    );
    const made = { status: 'done' as const, objects, revision: 0, ...size, ignored: NO_RUNS };
    const ref = { datasetId, sampleId: 'c.png' };
    const repository = labels(open.datasets, open.store);
    await repository.save(ref, { labels: made, history: NO_HISTORY, baseRevision: 0 });

    const written = await writeLabelFile(request(datasetId, { format }), open, call().context);
    const zip = new Uint8Array((await written.file?.arrayBuffer()) ?? []);
    const read = await readDatasets([{ path: 'out.zip', size: zip.length, bytes: async () => zip }]);
    const datasets = new DatasetRepository(store);
    const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
    const [back] = (await datasets.add(read.datasets, [], quiet)).datasets;
    const opened = await labels(datasets, store).open({ datasetId: back?.id ?? '', sampleId: 'c.png' });
    const first = (object: { readonly runs: Runs }) => object.runs[0] ?? 0;
    const came = opened.labels.objects.toSorted((a, b) => first(a) - first(b));
    expect(came.map(({ origin }) => origin)).toEqual(origins);
    // What came from masks and what another program made is imported.
    const other = await labels(datasets, store).open({ datasetId: back?.id ?? '', sampleId: 'a.png' });
    expect(other.labels.objects.map(({ origin }) => origin)).toEqual(
      other.labels.objects.map(() => ({ kind: 'imported' })),
    );
  },
);
