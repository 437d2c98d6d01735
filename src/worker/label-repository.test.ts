import { beforeEach, expect, test, vi } from 'vitest';
import { Failure, toFailureRecord } from '../config/failure.ts';
import type { Dataset } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { newObject } from '../data/labels/objects.ts';
import { boxRuns } from '../data/labels/shapes.ts';
import { type ImageLabels, type LabelStatus, NO_HISTORY, NO_RUNS } from '../data/labels/types.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { splitOf } from '../engine/datasets.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { DatasetRepository } from './dataset-repository.ts';
import { LabelRepository } from './label-repository.ts';
import type { SampleRef } from './protocol.ts';
import type { EncodeThumbnail } from './thumbnails.ts';

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };
const SIZE = { width: 40, height: 28 };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });

/** Images, of which the masked ones have two objects each; `class` is their value in the mask. */
function drawn(masked: Readonly<Record<string, number>>, unlabelled: readonly string[]): Dataset {
  const names = [...Object.keys(masked), ...unlabelled];
  return {
    name: 'Cells',
    samples: names.map((name) => {
      const { image, labelling } = drawSample(name, 1);
      const value = masked[name];
      const map = labelling && { ...SIZE, data: labelling.labelMap.data.map((v) => v * (value ?? 0)) };
      return {
        name,
        image: lazy(`images/${name}`, encodeImagePng(image)),
        ...(value !== undefined && map && { mask: lazy(`masks/${name}`, encodeMaskPng(map)) }),
      };
    }),
  };
}

async function studio(dataset: Dataset, store = new MemoryStore(), encode: EncodeThumbnail | null = null) {
  const datasets = new DatasetRepository(store, encode);
  const { datasets: infos } = await datasets.add([dataset], [], quiet);
  const datasetId = infos[0]?.id ?? '';
  const ref = (sampleId: string): SampleRef => ({ datasetId, sampleId });
  return { store, datasets, datasetId, ref, labels: new LabelRepository(store, datasets) };
}

const box = (id: string, x: number, classValue = 1) =>
  newObject(
    boxRuns([x, 3, x + 5, 9], SIZE),
    classValue,
    { kind: 'clicked', model: 'tiny' },
    { id, created: 3 },
  );

const labelsOf = (status: LabelStatus, ...objects: ImageLabels['objects']): ImageLabels => ({
  ...SIZE,
  status,
  objects,
  revision: 0,
  ignored: NO_RUNS,
});

async function copyOf(store: MemoryStore): Promise<MemoryStore> {
  const copy = new MemoryStore();
  const walk = async (folder: string): Promise<void> => {
    for (const { name, kind } of await store.list(folder)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      if (kind === 'folder') await walk(path);
      else await copy.write(path, await store.read(path));
    }
  };
  await walk('');
  return copy;
}

const failureOf = (work: Promise<unknown>) => work.then(() => null, toFailureRecord);

test('images that came with masks are done, others unlabelled, and a dataset may have no mask at all', async () => {
  const { datasets, labels, datasetId, ref } = await studio(drawn({}, ['a.png', 'b.png']));
  expect(await datasets.info(datasetId)).toMatchObject({
    imageCount: 2,
    maskKind: 'none',
    labelling: { unlabelled: 2, inWork: 0, done: 0 },
  });
  expect(await labels.open(ref('a.png'))).toEqual({
    labels: labelsOf('unlabelled'),
    history: NO_HISTORY,
    classes: [{ value: 1, name: 'foreground', colour: '#e69f00' }],
    remark: null,
  });
});

test('imported masks are opened as objects, each with its class', async () => {
  const { labels, ref } = await studio(drawn({ 'a.png': 1, 'b.png': 2 }, []));
  const { labels: opened, classes } = await labels.open(ref('b.png'));
  expect(opened).toMatchObject({ status: 'done', revision: 0 });
  expect(opened.objects.map(({ id, classValue, origin }) => [id, classValue, origin.kind])).toEqual([
    ['imported-1', 2, 'imported'],
    ['imported-2', 2, 'imported'],
  ]);
  expect(classes.map(({ value }) => value)).toEqual([1, 2]);
});

test('labels in work are kept and take no part in training until they are done', async () => {
  const { store, datasets, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1 }, ['b.png', 'c.png']));
  const inWork = labelsOf('in-work', box('x', 2));
  const saved = await labels.save(ref('b.png'), { labels: inWork, history: NO_HISTORY, baseRevision: 0 });
  expect(saved.revision).toBe(1);
  expect(saved.dataset?.labelling).toEqual({ unlabelled: 1, inWork: 1, done: 1, madeHere: 1 });
  // Nothing of the dataset changes with a further save.
  const again = { labels: inWork, history: NO_HISTORY, baseRevision: 1 };
  expect(await labels.save(ref('b.png'), again)).toEqual({ revision: 2, dataset: null });
  const reloaded = new DatasetRepository(store);
  const { dataset } = await reloaded.open(datasetId);
  expect(splitOf(dataset, 0, 'shuffled').train).toEqual(['a.png']);
  const { labels: opened } = await new LabelRepository(store, reloaded).open(ref('b.png'));
  expect(opened).toEqual({ ...inWork, revision: 2 });
  expect((await datasets.sample(datasetId, 'b.png')).labelling).toBeUndefined();
});

test('the masks of an image that is done are read like any other, beside imported ones', async () => {
  const { store, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1 }, ['b.png']));
  // The second lies over the first, and an ignored stretch under both.
  const done = {
    ...labelsOf('done', box('x', 2), box('y', 4, 3), box('hidden', 4, 2), box('z', 4, 2)),
    ignored: boxRuns([0, 0, 40, 4], SIZE),
  };
  const saved = await labels.save(ref('b.png'), { labels: done, history: NO_HISTORY, baseRevision: 0 });
  expect(saved.dataset).toMatchObject({
    labelling: { unlabelled: 0, inWork: 0, done: 2 },
    maskedCount: 2,
    objectCount: 4,
    maskKind: 'mixed',
    split: { train: 1, validation: 1, test: 0 },
  });
  expect(saved.dataset?.classes.map(({ value, objectCount }) => [value, objectCount])).toEqual([
    [1, 3],
    [2, 1],
  ]);
  const reloaded = new DatasetRepository(store);
  const [old, now] = [await reloaded.sample(datasetId, 'a.png'), await reloaded.sample(datasetId, 'b.png')];
  expect(old.labelling?.kind).toBe('binary');
  expect(now.labelling?.kind).toBe('instances');
  expect(now.objects.regions.map(({ area, label }) => [area, label])).toEqual([
    [30, 4],
    [12, 1],
  ]);
  const at = (x: number, y: number) => [
    now.objects.map[y * 40 + x],
    now.labelling?.classMap.data[y * 40 + x],
  ];
  expect([at(2, 3), at(5, 5), at(30, 1), at(30, 20)]).toEqual([
    [2, 1],
    [1, 2],
    [-1, -1],
    [0, 0],
  ]);
  expect((await reloaded.samples(datasetId)).map(({ status, hasMask }) => [status, hasMask])).toEqual([
    ['done', true],
    ['done', true],
  ]);
});

test('labels of classes that are colours are written as colours', async () => {
  const { datasets, labels, datasetId, ref } = await studio(drawn({}, ['b.png']));
  const done = { ...labelsOf('done', box('x', 2, 0x8c5a1e)), ignored: boxRuns([0, 20, 40, 22], SIZE) };
  await labels.save(ref('b.png'), { labels: done, history: NO_HISTORY, baseRevision: 0 });
  const { labelling } = await datasets.sample(datasetId, 'b.png');
  expect([0, 3 * 40 + 2, 20 * 40].map((i) => labelling?.classMap.data[i])).toEqual([0, 0x8c5a1e, -1]);
});

test('counts follow when labels change, are taken back and done again', async () => {
  const { store, datasets, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1, 'b.png': 2 }, []));
  const before = await datasets.open(datasetId);
  const opened = (await labels.open(ref('b.png'))).labels;
  const save = async (status: LabelStatus, objects: ImageLabels['objects'], baseRevision: number) =>
    (
      await labels.save(ref('b.png'), {
        labels: { ...opened, status, objects },
        history: NO_HISTORY,
        baseRevision,
      })
    ).dataset;
  const classes = (info: Awaited<ReturnType<typeof save>>) =>
    info?.classes.map(({ value, objectCount }) => [value, objectCount]);
  const undone = await save('in-work', opened.objects, 0);
  expect(undone).toMatchObject({ maskedCount: 1, objectCount: 2, labelling: { inWork: 1, done: 1 } });
  expect(classes(undone)).toEqual([[1, 2]]);
  const fewer = await save('done', opened.objects.slice(1), 1);
  expect(classes(fewer)).toEqual([
    [1, 2],
    [2, 1],
  ]);
  const all = await save('done', opened.objects, 2);
  expect(classes(all)).toEqual([
    [1, 2],
    [2, 2],
  ]);
  const { stored } = await new DatasetRepository(store).open(datasetId);
  expect(stored.sizes).toEqual(before.stored.sizes);
  expect(stored.summary.objects).toBe(4);
  // Masks of earlier saves are gone, and what was imported is still there.
  const files = await store.list(`datasets/${datasetId}/labelled/b.png`);
  expect(files.map(({ name }) => name)).toEqual(['3 classes.png', '3 instances.png']);
  expect(await store.exists(`datasets/${datasetId}/masks/b.png`)).toBe(true);
});

test('a save from another tab is not written over', async () => {
  const { store, labels, datasets, ref } = await studio(drawn({}, ['a.png']));
  const other = new LabelRepository(store, datasets);
  const save = (from: LabelRepository, baseRevision: number) =>
    from.save(ref('a.png'), { labels: labelsOf('in-work', box('x', 2)), history: NO_HISTORY, baseRevision });
  await save(labels, 0);
  const refused = await failureOf(save(other, 0));
  expect(refused).toMatchObject({ code: 'labels/other-revision', where: 'a.png' });
  // The cure.
  const { labels: opened } = await other.open(ref('a.png'));
  expect((await save(other, opened.revision)).revision).toBe(2);
});

test('saves that come together are done one after the other', async () => {
  const { labels, ref } = await studio(drawn({}, ['a.png', 'b.png']));
  const save = (name: string) =>
    labels.save(ref(name), { labels: labelsOf('done', box('x', 2)), history: NO_HISTORY, baseRevision: 0 });
  const [first, second, third] = await Promise.all([save('a.png'), save('b.png'), failureOf(save('a.png'))]);
  expect([first.revision, second.revision, second.dataset?.maskedCount]).toEqual([1, 1, 2]);
  expect(third).toMatchObject({ code: 'labels/other-revision' });
});

test('a crash between labels and manifest is made good when the image is opened', async () => {
  const { store, labels, datasetId, ref } = await studio(drawn({}, ['a.png']));
  await labels.save(ref('a.png'), {
    labels: labelsOf('in-work', box('x', 2)),
    history: NO_HISTORY,
    baseRevision: 0,
  });
  const manifest = `datasets/${datasetId}/dataset.json`;
  const old = await store.read(manifest);
  await labels.save(ref('a.png'), {
    labels: labelsOf('done', box('x', 2), box('y', 12)),
    history: NO_HISTORY,
    baseRevision: 1,
  });
  await store.write(manifest, old);
  const reloaded = new DatasetRepository(store);
  expect((await reloaded.info(datasetId)).labelling.done).toBe(0);
  await new LabelRepository(store, reloaded).open(ref('a.png'));
  expect(await reloaded.info(datasetId)).toMatchObject({ objectCount: 2, labelling: { done: 1 } });
});

test('a step is on storage before its masks are drawn, which take long for a large image', async () => {
  const { store, labels, ref } = await studio(drawn({}, ['a.png']));
  const done = { labels: labelsOf('done', box('x', 2)), history: NO_HISTORY, baseRevision: 0 };
  await labels.save(ref('a.png'), done);
  const write = store.write.bind(store);
  let copy: Promise<MemoryStore> | null = null;
  vi.spyOn(store, 'write').mockImplementation((path, bytes) => {
    if (path.endsWith('instances.png')) copy ??= copyOf(store);
    return write(path, bytes);
  });
  const more = labelsOf('done', box('x', 2), box('y', 12));
  await labels.save(ref('a.png'), { ...done, labels: more, baseRevision: 1 });
  // As a closed tab leaves it: the next look finds the step, and makes its masks.
  const left = await (copy ?? new MemoryStore());
  const reloaded = new DatasetRepository(left);
  const opened = await new LabelRepository(left, reloaded).open(ref('a.png'));
  expect(opened.labels.objects.map(({ id }) => id)).toEqual(['x', 'y']);
  expect((await reloaded.info(ref('a.png').datasetId)).objectCount).toBe(2);
});

test('cut off after any write or removal, labels, masks and counts are those before or after', async () => {
  const { store, labels, datasetId, ref } = await studio(drawn({}, ['a.png']));
  const save = (status: LabelStatus, count: number, baseRevision: number) => {
    const objects = [box('x', 2), box('y', 12), box('z', 22)].slice(0, count);
    return labels.save(ref('a.png'), {
      labels: labelsOf(status, ...objects),
      history: NO_HISTORY,
      baseRevision,
    });
  };
  const cuts: MemoryStore[] = [];
  const look = async () => void cuts.push(await copyOf(store));
  const { write, remove } = { write: store.write.bind(store), remove: store.remove.bind(store) };
  vi.spyOn(store, 'write').mockImplementation((path, bytes) => write(path, bytes).then(look));
  vi.spyOn(store, 'remove').mockImplementation((path) => remove(path).then(look));
  await save('in-work', 1, 0);
  await save('done', 2, 1);
  await save('done', 3, 2);
  await save('in-work', 1, 3);
  const seen = new Set<string>();
  for (const cut of cuts) {
    const datasets = new DatasetRepository(cut);
    const { labels: opened } = await new LabelRepository(cut, datasets).open(ref('a.png'));
    const { labelling, objectCount } = await datasets.info(datasetId);
    const { objects, labelling: found } = await datasets.sample(datasetId, 'a.png');
    const isDone = opened.status === 'done';
    expect([labelling.done, objectCount]).toEqual(isDone ? [1, opened.objects.length] : [0, 0]);
    expect([found !== undefined, objects.regions.length]).toEqual([isDone, objectCount]);
    seen.add(`${opened.revision} ${opened.status} ${opened.objects.length}`);
  }
  expect([...seen]).toEqual(['1 in-work 1', '2 done 2', '3 done 3', '4 in-work 1']);
});

test('a disk that is full, wherever that comes, leaves labels, masks and counts as they were', async () => {
  const used = await studio(drawn({ 'a.png': 1 }, [])).then(({ store }) => store.size(''));
  const seen = new Set<boolean>();
  for (let spare = 0; spare < 2400; spare += 160) {
    const { store, datasets, labels, datasetId, ref } = await studio(
      drawn({ 'a.png': 1 }, []),
      new MemoryStore(used + spare),
    );
    const before = await datasets.info(datasetId);
    const refused = await failureOf(
      labels.save(ref('a.png'), {
        labels: labelsOf('done', box('x', 2)),
        history: NO_HISTORY,
        baseRevision: 0,
      }),
    );
    seen.add(refused === null);
    if (!refused) continue;
    expect(refused).toMatchObject({ code: 'storage/full' });
    expect(await new DatasetRepository(store).info(datasetId)).toEqual(before);
    expect((await labels.open(ref('a.png'))).labels.revision).toBe(0);
  }
  expect([...seen]).toEqual([false, true]);
});

test('damaged labels are named, and labelled anew from the masks', async () => {
  const { store, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1 }, []));
  const save = (baseRevision: number) =>
    labels.save(ref('a.png'), {
      labels: labelsOf('done', box('x', 2)),
      history: NO_HISTORY,
      baseRevision,
    });
  await save(0);
  await store.write(`datasets/${datasetId}/edits/a.png`, Uint8Array.of(1, 2, 3));
  const { labels: opened, remark } = await labels.open(ref('a.png'));
  expect(remark?.code).toBe('labels/damaged');
  expect(opened).toMatchObject({ status: 'done', revision: 1, objects: [{ id: 'imported-1' }] });
  expect((await save(opened.revision)).revision).toBe(2);
});

test('masks of a done image that do not fit it are named, and it can be labelled anew', async () => {
  const { store, datasets, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1 }, []));
  const map = { width: 7, height: 5, data: new Int32Array(35).fill(1) };
  await store.write(`datasets/${datasetId}/masks/a.png`, encodeMaskPng(map));
  const { labels: opened, remark } = await labels.open(ref('a.png'));
  expect(opened).toMatchObject({ status: 'done', objects: [] });
  expect(remark).toMatchObject({ code: 'labels/masks-unusable', where: 'a.png' });
  expect(remark?.what).toMatch(/mask is 7 × 5 pixels/);
  const anew = { labels: labelsOf('done', box('x', 2)), history: NO_HISTORY, baseRevision: 0 };
  await labels.save(ref('a.png'), anew);
  expect(await datasets.info(datasetId)).toMatchObject({ objectCount: 1 });
  expect((await labels.open(ref('a.png'))).remark).toBeNull();
});

test('where old labels cannot be written back, what went wrong first is said, and the new ones are kept and opened', async () => {
  const { store, datasets, labels, datasetId, ref } = await studio(drawn({ 'a.png': 1 }, []));
  const save = (baseRevision: number, ...objects: ImageLabels['objects']) =>
    labels.save(ref('a.png'), { labels: labelsOf('done', ...objects), history: NO_HISTORY, baseRevision });
  await save(0, box('x', 2));
  const write = vi.spyOn(store, 'write');
  const failing = (path: string) =>
    new Failure({ code: 'storage/full', what: `No room for ${path}.`, cure: 'Make room.' });
  let saves = 0;
  write.mockImplementation(async (path, bytes) => {
    if (path.includes('/labelled/') || (path.includes('/edits/') && saves++ > 0)) throw failing(path);
    return MemoryStore.prototype.write.call(store, path, bytes);
  });
  const refused = await failureOf(save(1, box('x', 2), box('y', 12)));
  expect(refused?.what).toMatch(/labelled/);
  const { labels: kept, remark } = await labels.open(ref('a.png'));
  expect(kept).toMatchObject({ revision: 2, objects: [{ id: 'x' }, { id: 'y' }] });
  expect(remark).toMatchObject({ code: 'labels/not-published', cure: expect.stringMatching(/^Make room/) });
  expect(await datasets.info(datasetId)).toMatchObject({ objectCount: 1 });
  write.mockRestore();
  expect((await labels.open(ref('a.png'))).remark).toBeNull();
  expect(await datasets.info(datasetId)).toMatchObject({ objectCount: 2 });
});

test('more objects than a mask holds are refused before anything is written', async () => {
  const { store, labels, datasetId, ref } = await studio(drawn({}, ['a.png']));
  const one = box('x', 2);
  const many = Array.from({ length: 65_535 }, (_, i) => ({ ...one, id: String(i) }));
  const refused = await failureOf(
    labels.save(ref('a.png'), { labels: labelsOf('done', ...many), history: NO_HISTORY, baseRevision: 0 }),
  );
  expect(refused).toMatchObject({ code: 'labels/too-many-objects', where: 'a.png' });
  expect(await store.exists(`datasets/${datasetId}/edits`)).toBe(false);
});

test('classes have names and colours, and stay while objects have them', async () => {
  const { store, labels, datasets, datasetId, ref } = await studio(drawn({ 'a.png': 1, 'b.png': 2 }, []));
  const crop = { value: 1, name: 'crop', colour: '#112233' };
  const weed = { value: 2, name: 'weed', colour: '#445566' };
  const extra = { value: 9, name: 'stone', colour: '#778899' };
  expect(await labels.setClasses(datasetId, [extra, weed, crop])).toEqual([crop, weed, extra]);
  expect((await datasets.info(datasetId)).classes.map(({ name }) => name)).toEqual(['crop', 'weed']);
  const reloaded = new LabelRepository(store, new DatasetRepository(store));
  expect((await reloaded.open(ref('a.png'))).classes).toEqual([crop, weed, extra]);
  expect(await failureOf(labels.setClasses(datasetId, [crop]))).toMatchObject({
    code: 'labels/class-in-use',
    what: 'The class weed cannot be removed: 2 objects have it.',
  });
  // Objects of an image in work have it too, though the dataset does not count them yet.
  const stone = { ...box('x', 2), classValue: 9 };
  await labels.save(ref('a.png'), {
    labels: labelsOf('in-work', stone),
    history: NO_HISTORY,
    baseRevision: 0,
  });
  expect(await failureOf(labels.setClasses(datasetId, [crop, weed]))).toMatchObject({
    what: 'The class stone cannot be removed: 1 object has it.',
  });
  for (const wrong of [
    { ...crop, value: 2 },
    { ...crop, name: ' ' },
    { ...crop, colour: 'red' },
  ])
    expect(await failureOf(labels.setClasses(datasetId, [wrong, weed]))).toMatchObject({
      code: 'labels/class-wrong',
    });
});

test('a card shows the labels that were made here, which are drawn once for each save', async () => {
  const encode = vi.fn(async (_, objects) => Uint8Array.of(1 + (objects?.regions.length ?? 0)));
  const { datasets, labels, ref } = await studio(drawn({ 'a.png': 1 }, []), new MemoryStore(), encode);
  const card = async () => [...((await datasets.thumbnail(ref('a.png'), 'card')) ?? [])];
  const save = async (status: LabelStatus, baseRevision: number) =>
    labels.save(ref('a.png'), {
      labels: labelsOf(status, box('x', 2)),
      history: NO_HISTORY,
      baseRevision,
    });
  expect(await card()).toEqual([3]);
  await save('done', 0);
  expect(await card()).toEqual([2]);
  const calls = encode.mock.calls.length;
  expect(await card()).toEqual([2]);
  expect(encode).toHaveBeenCalledTimes(calls);
  await save('in-work', 1);
  expect(await card()).toEqual([1]);
});

test('a dataset is deleted once a save of its labels is over', async () => {
  const { store, datasets, labels, datasetId, ref } = await studio(drawn({}, ['a.png']));
  const saving = labels.save(ref('a.png'), {
    labels: labelsOf('done', box('x', 2)),
    history: NO_HISTORY,
    baseRevision: 0,
  });
  await datasets.delete(datasetId);
  await saving.catch(() => undefined);
  expect(await store.list('datasets')).toEqual([]);
});
