import { beforeEach, expect, test, vi } from 'vitest';
import type { Dataset } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { outFormats } from '../data/out/registry.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { understoodDrop } from '../testing/understood-drop.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { KeptMaskRepository } from './kept-mask-repository.ts';
import { formatInfos, writeLabelFile } from './label-output.ts';
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
  return { datasets, kept: new KeptMaskRepository(store), datasetId: added[0]?.id ?? '' };
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
