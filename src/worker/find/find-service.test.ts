import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parseFindSettings } from '../../config/find.ts';
import type { Dataset } from '../../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { forEachSpan } from '../../data/labels/runs.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { GpuQueue } from '../../engine/gpu-queue.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { SamModel } from '../../sam/weights.ts';
import { openTestGpu } from '../../testing/device.ts';
import { fakeWebLocks } from '../../testing/fake-web-locks.ts';
import { MICRO_SAM, openMicroModel } from '../../testing/micro-model.ts';
import { drawSample } from '../../testing/training-sets.ts';
import { DatasetRepository } from '../dataset-repository.ts';
import type { EngineState } from '../engine-state.ts';
import type { EngineEvent, Progress } from '../protocol.ts';
import { FindService } from './find-service.ts';

/** Everything passes that a model of random weights answers. */
const ANY = parseFindSettings({ pointsPerSide: 2, iou: 0, stability: 0, maskOverlap: 0.9 });
const base = { kind: 'base' } as const;
const { image } = drawSample('a.png', 1);

let gpu: Gpu;
let model: SamModel;
beforeAll(async () => {
  gpu = await openTestGpu();
  // Random weights that are sure of what they find.
  const change = (name: string, value: number) =>
    /iou_prediction_head\.layers\.2\.bias/.test(name) ? value + 2 : value;
  model = await openMicroModel(gpu, MICRO_SAM, 1, { change });
});
afterAll(() => {
  model?.weights.release();
  gpu?.destroy();
});
beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

function openService(store = new MemoryStore()) {
  const datasets = new DatasetRepository(store);
  const ending: (() => Promise<void>)[] = [];
  const queue = new GpuQueue();
  const emitted: EngineEvent[] = [];
  const state = {
    store,
    datasets,
    queue,
    emit: (event: EngineEvent) => emitted.push(event),
    needGpu: () => gpu,
    openModelHash: 'micro',
    needModel: () => ({ open: { ...model, hash: 'micro' } }),
    onRelease: (work: () => Promise<void>) => ending.push(work),
  } as unknown as EngineState;
  const service = new FindService(state, {
    image: () => image,
    weights: () => Promise.reject(new Error('there is no run')),
    runScale: async () => null,
  });
  return { service, datasets, queue, emitted, replaceModel: () => Promise.all(ending.map((work) => work())) };
}

function asked(onProgress: (progress: Progress, cancel: AbortController) => void = () => undefined) {
  const cancel = new AbortController();
  return { signal: cancel.signal, progress: (progress: Progress) => onProgress(progress, cancel) };
}

/** @param classes 2 gives every second rectangle another one. */
function drawn(names: readonly string[], classes: 1 | 2): Dataset {
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return {
    name: 'Cells',
    samples: names.map((name) => {
      const { image: own, labelling } = drawSample(name, 1);
      if (!labelling) throw new Error('the drawn sample has no mask');
      const { labelMap } = labelling;
      const data = labelMap.data.map((value, i) => (i % labelMap.width > 20 ? value * classes : value));
      const masks = lazy(`masks/${name}`, encodeMaskPng({ ...labelMap, data }));
      const file = lazy(`images/${name}`, encodeImagePng(own));
      return { name, image: file, ...(classes === 1 ? { mask: masks } : { labels: masks }) };
    }),
  };
}

async function addCells(datasets: DatasetRepository, classes: 1 | 2 = 1): Promise<string> {
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const [info] = (await datasets.add([drawn(['a.png', 'b.png', 'c.png'], classes)], [], options)).datasets;
  if (!info) throw new Error('nothing was imported');
  return info.id;
}

test('finds the objects of an open image, and chooses anew without the model', async () => {
  const { service } = openService();
  const progress: Progress[] = [];
  const allocated = gpu.allocatedBytes;
  const request = { imageId: 'a', variant: base, settings: ANY, scale: 'whole', datasetId: null } as const;
  const { searchId, objects } = await service.run(
    request,
    asked((each) => progress.push(each)),
  );
  expect(progress.at(-1)).toMatchObject({ done: 4, total: 4 });
  expect(objects.length).toBeGreaterThan(0);
  expect(gpu.allocatedBytes).toBe(allocated);
  const submit = vi.spyOn(gpu.device.queue, 'submit');
  expect(service.select({ searchId, settings: ANY })).toEqual({ objects, looser: null });
  // Where nothing is left, the thresholds that it names leave something.
  const none = { ...ANY, iou: 1, stability: 1, maxArea: 0 };
  const { looser, ...empty } = service.select({ searchId, settings: none });
  expect(empty.objects).toEqual([]);
  expect(service.select({ searchId, settings: { ...none, ...looser } }).objects.length).toBeGreaterThan(0);
  expect(submit).not.toHaveBeenCalled();
  submit.mockRestore();
  expect(() => service.select({ searchId: 'other', settings: ANY })).toThrow(/not remembered/);
});

test('what is left of an image that was searched alone is kept with the name of the model', async () => {
  const store = new MemoryStore();
  const { service, datasets } = openService(store);
  const datasetId = await addCells(datasets);
  const ref = { datasetId, sampleId: 'a.png' };
  const request = { imageId: 'a', variant: base, settings: ANY, scale: 'whole', datasetId } as const;
  const { searchId, objects } = await service.run(request, asked());
  await service.keep({ ref, searchId, objects });
  const { service: reloaded } = openService(store);
  expect(await reloaded.results.waiting(ref)).toEqual({ objects, modelName: model.name });
  // Its search is forgotten by then.
  const left = objects.map((each) => ({ ...each, classValue: 2 }));
  await reloaded.keep({ ref, searchId, objects: left });
  expect(await reloaded.results.waiting(ref)).toEqual({ objects: left, modelName: model.name });
});

test('a dataset that was interrupted goes on, in another tab too, and is found anew with other settings', async () => {
  const store = new MemoryStore();
  const first = openService(store);
  const datasetId = await addCells(first.datasets);
  const request = { datasetIds: [datasetId], variant: base, settings: ANY };
  expect(await first.service.results.of(datasetId)).toBeNull();
  const cancelling = asked(({ done }, cancel) => done === 1 && cancel.abort());
  await expect(first.service.folder(request, cancelling)).rejects.toThrow();
  expect(await first.service.results.of(datasetId)).toMatchObject({
    imageCount: 3,
    samples: [{ sampleId: 'a.png' }],
  });

  const { service } = openService(store);
  const ref = { datasetId, sampleId: 'a.png' };
  const before = (await service.results.waiting(ref))?.objects;
  await service.results.review(ref);
  const [found] = await service.folder(request, asked());
  expect(found?.samples.map(({ sampleId, isReviewed }) => [sampleId, isReviewed])).toEqual([
    ['a.png', true],
    ['b.png', false],
    ['c.png', false],
  ]);
  expect(found?.settings).toEqual(ANY);
  expect(found?.samples[0]?.objectCount).toBe(before?.length);
  expect(before?.length).toBeGreaterThan(0);
  expect(await service.results.waiting(ref), 'a person looked at it').toBeNull();

  const settings = { ...ANY, minArea: 1 };
  const [again] = await service.folder({ ...request, settings }, asked());
  expect(again).toMatchObject({ settings });
  expect(again?.samples.some(({ isReviewed }) => isReviewed)).toBe(false);
});

test('what is searched is not deleted, searched or written over in another tab, which knows of it; where it is gone all the same the search ends', async () => {
  const store = new MemoryStore();
  const { service, datasets } = openService(store);
  const { service: other, emitted } = openService(store);
  const datasetId = await addCells(datasets);
  const request = { datasetIds: [datasetId], variant: base, settings: ANY };
  const beside: Promise<unknown>[] = [];
  const searching = asked(({ done }) => {
    if (done === 1)
      beside.push(
        expect(other.expectUnused(datasetId)).rejects.toThrow(/being searched/),
        expect(other.expectUnused('other')).resolves.toBeUndefined(),
        expect(other.folder(request, asked())).rejects.toThrow(/in another tab/),
        expect(
          store.read(`datasets/${datasetId}/found/found.jsonl`).then((bytes) => other.results.bring(bytes)),
        ).rejects.toMatchObject({ record: { code: 'data/in-use', where: 'Cells' } }),
        expect(other.job()).resolves.toMatchObject({ isUnderWay: true }),
      );
    if (done === 2) void datasets.delete(datasetId);
  });
  await expect(service.folder(request, searching)).rejects.toThrow(/deleted while the search went on/);
  expect(beside).toHaveLength(5);
  await Promise.all(beside);
  await other.expectUnused(datasetId);
  await vi.waitFor(() => expect(emitted).toContainEqual({ type: 'elsewhere', kind: 'searches' }));
  expect(await store.list('datasets')).toEqual([]);
});

test('a search that was cut off says so until it is finished, whatever was deleted meanwhile', async () => {
  const store = new MemoryStore();
  const first = openService(store);
  const ids = [await addCells(first.datasets), await addCells(first.datasets)];
  const request = { datasetIds: ids, variant: base, settings: ANY };
  expect(await first.service.job()).toBeNull();
  const progress: (readonly [number, number])[] = [];
  await expect(
    first.service.folder(
      request,
      asked(({ done, total }, cancel) => {
        progress.push([done, total]);
        if (done === 4) cancel.abort();
      }),
    ),
  ).rejects.toThrow();
  expect(progress.at(-1)).toEqual([4, 6]);
  const { service, datasets } = openService(store);
  expect(await service.job()).toEqual({
    ...request,
    modelName: 'micro',
    isModelOpen: true,
    isUnderWay: false,
  });
  await datasets.delete(ids[1] as string);
  const job = await service.job();
  expect(job?.datasetIds).toEqual([ids[0]]);
  await service.folder({ ...request, datasetIds: job?.datasetIds ?? [] }, asked());
  expect(await service.job()).toBeNull();
  await store.write('find-job.json', new TextEncoder().encode('{"datasetIds":["x"],"settings":{"iou":7}}'));
  expect(await service.job()).toBeNull();
});

test('found objects have the classes of labelled ones', async () => {
  const { service, datasets } = openService();
  const datasetId = await addCells(datasets);
  const request = { imageId: 'a', variant: base, settings: ANY, scale: 'whole', datasetId } as const;
  // One class, which needs no telling.
  const one = await service.run(request, asked());
  expect(one.classes).toBeNull();
  expect(new Set(one.objects.map(({ classValue }) => classValue))).toEqual(new Set([1]));
  const twoId = await addCells(datasets, 2);
  const labels: string[] = [];
  const ask = () =>
    service.run(
      { ...request, datasetId: twoId },
      asked(({ label = '' }) => labels.push(label)),
    );
  const two = await ask();
  expect(two.classes?.objects).toBeGreaterThan(0);
  for (const { classValue, classConfidence } of two.objects) {
    expect([1, 2]).toContain(classValue);
    expect(classConfidence).toBeGreaterThanOrEqual(0.5);
  }
  expect(labels.join()).toContain('Learning');
  labels.length = 0;
  expect((await ask()).objects).toEqual(two.objects);
  expect(labels.join(), 'what was learnt is remembered').not.toContain('Learning');
  await service.folder({ datasetIds: [twoId], variant: base, settings: ANY }, asked());
  const stored = await service.results.waiting({ datasetId: twoId, sampleId: 'a.png' });
  expect(stored?.objects.some(({ classConfidence }) => classConfidence !== undefined)).toBe(true);
});

test('chooses thresholds by labelled images', async () => {
  const { service, datasets } = openService();
  const datasetId = await addCells(datasets);
  const settings = { ...ANY, iou: 1, stability: 1 };
  const calibration = await service.calibrate({ datasetId, variant: base, settings }, asked());
  expect(calibration?.before).toEqual({ objects: calibration?.after.objects, found: 0, right: 0 });
  expect(calibration?.after.objects).toBeGreaterThan(0);
  expect(calibration?.settings).toMatchObject({ pointsPerSide: 2, maskOverlap: 0.9 });
  expect(calibration?.settings.maxArea).toBeLessThanOrEqual(1);
});

/** Images whose one object is an answer of the model, so that it can be found. */
async function addFound({ service, datasets }: Pick<ReturnType<typeof openService>, 'service' | 'datasets'>) {
  const names = ['a.png', 'b.png', 'c.png'];
  const datasetId = await addCells(datasets);
  await service.folder({ datasetIds: [datasetId], variant: base, settings: ANY }, asked());
  const cells = drawn(names, 1);
  const samples = await Promise.all(
    cells.samples.map(async (sample) => {
      const found = await service.results.waiting({ datasetId, sampleId: sample.name });
      const object = found?.objects[0];
      const { width, height } = drawSample(sample.name, 1).image;
      const data = new Int32Array(width * height);
      if (!object) throw new Error('nothing was found');
      forEachSpan(object.runs, width, (y, x0, x1) => data.fill(1, y * width + x0, y * width + x1));
      const bytes = encodeMaskPng({ width, height, data });
      const path = `instances/${sample.name}`;
      const instances = { path, size: bytes.length, bytes: async () => bytes };
      return { name: sample.name, image: sample.image, instances };
    }),
  );
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const [info] = (await datasets.add([{ ...cells, name: 'Found', samples }], [], options)).datasets;
  if (!info) throw new Error('nothing was imported');
  return info.id;
}

test('what labelled images show is learnt once, and decides in images, datasets and figures', async () => {
  const store = new MemoryStore();
  const first = openService(store);
  const datasetId = await addFound(first);
  const settings = { ...ANY, likeness: 0.01 };
  const labels: string[] = [];
  const note = asked(({ label = '' }) => labels.push(label));
  const run = { imageId: 'a', variant: base, settings, scale: 'whole', datasetId: null } as const;
  await expect(first.service.run(run, note)).rejects.toThrow(/No two labelled images/);
  await expect(first.service.run({ ...run, taughtBy: 'gone' }, note)).rejects.toThrow(
    /No two labelled images/,
  );
  // As after a reload: what was chosen is asked for, and learnt once more.
  const taught = { ...run, taughtBy: datasetId };
  const { objects, searchId } = await first.service.run(taught, note);
  expect(labels.join()).toContain('Finding known objects');
  expect(objects.length).toBeGreaterThan(0);
  for (const { likeness } of objects) expect(likeness).toBeGreaterThanOrEqual(0.01);
  labels.length = 0;
  expect((await first.service.run(taught, note)).objects).toEqual(objects);
  expect(labels.join(), 'what was learnt is remembered').not.toContain('Finding known objects');
  // Thresholds are moved without the model.
  const most = Math.max(...objects.map(({ likeness = 0 }) => likeness));
  const strict = first.service.select({ searchId, settings: { ...settings, likeness: most } });
  expect(strict.objects.length).toBeLessThanOrEqual(objects.length);
  expect(strict.objects.every(({ likeness = 0 }) => likeness >= most)).toBe(true);

  const request = { datasetIds: [datasetId], variant: base, settings, taughtBy: datasetId };
  const interrupt = asked(({ done, label = '' }, cancel) => {
    if (done === 1 && label.startsWith('Finding objects')) cancel.abort();
  });
  await expect(first.service.folder(request, interrupt)).rejects.toThrow();
  const { service } = openService(store);
  expect(await service.job()).toMatchObject({ ...request, isModelOpen: true });
  await service.folder(request, asked());
  for (const sampleId of ['a.png', 'c.png']) {
    const found = await service.results.waiting({ datasetId, sampleId });
    for (const { likeness } of found?.objects ?? []) expect(likeness).toBeGreaterThanOrEqual(0.01);
  }
  const quality = await service.quality(
    { datasetId, variant: base, settings, split: 'test', taughtBy: datasetId },
    asked(),
  );
  expect(quality.objects).toBe(1);
});

test('progress goes on within an image, which may take a minute', async () => {
  const { service, datasets } = openService();
  const datasetId = await addCells(datasets);
  const settings = { ...ANY, pointsPerSide: 12 };
  const about = { datasetId, variant: base, settings };
  const works = {
    folder: (call: ReturnType<typeof asked>) => service.folder({ ...about, datasetIds: [datasetId] }, call),
    quality: (call: ReturnType<typeof asked>) => service.quality({ ...about, split: 'train' }, call),
    calibrate: (call: ReturnType<typeof asked>) => service.calibrate(about, call),
  };
  for (const [name, work] of Object.entries(works)) {
    const done: number[] = [];
    await work(asked((progress) => void done.push(progress.done)));
    expect(done, name).toEqual([...done].sort((a, b) => a - b));
    expect(done[0], name).toBe(0);
    expect(done[1], name).toBeCloseTo(64 / 144);
  }
});

test('measures what is found of the images of a split', async () => {
  const { service, datasets } = openService();
  const datasetId = await addCells(datasets);
  const request = { datasetId, variant: base, settings: ANY, split: 'test' } as const;
  const quality = await service.quality(request, asked());
  expect(quality.objects).toBe(2);
  expect(quality.missed).toBeLessThanOrEqual(2);
});

test('another model ends a search before its weights are released; a click waits for no image', async () => {
  const { service, queue, replaceModel } = openService();
  const order: string[] = [];
  const request = {
    imageId: 'a',
    variant: base,
    settings: { ...ANY, pointsPerSide: 20 },
    scale: 'whole',
    datasetId: null,
  } as const;
  const search = service.run(
    request,
    asked(({ done, total }) => {
      order.push(`${done} of ${total}`);
      if (done === 64) void queue.run('urgent', async () => order.push('click'));
      if (done === 128) void replaceModel().then(() => order.push('replaced'));
    }),
  );
  await expect(search).rejects.toThrow(/Another model/);
  await vi.waitFor(() => expect(order).toContain('replaced'));
  expect(order).toEqual(['64 of 400', 'click', '128 of 400', 'replaced']);
});
