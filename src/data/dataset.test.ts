import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { turnedPng } from '../testing/exif-png.ts';
import { objectClasses } from './classes.ts';
import { type Dataset, type LoadOptions, labelledNames, loadSample } from './dataset.ts';
import { DatasetStore } from './dataset-store.ts';
import { encodeImagePng, encodeMaskPng } from './encode-png.ts';
import { inspectDataset } from './inspect.ts';
import { MemoryStore } from './memory-store.ts';
import { labelsOf } from './objects.ts';
import { type InputFile, readDatasets } from './read-datasets.ts';
import type { ReadProgress } from './types.ts';
import { writeZip } from './zip.ts';

const WIDTH = 8;
const HEIGHT = 6;
const image = (width = WIDTH, height = HEIGHT) =>
  encodeImagePng({
    width,
    height,
    channels: 3,
    data: Uint8Array.from({ length: width * height * 3 }, (_, i) => i),
  });

/** A label map of rectangles [value, x0, y0, x1, y1). */
function labels(...rectangles: readonly (readonly [number, number, number, number, number])[]): Uint8Array {
  const data = new Int32Array(WIDTH * HEIGHT);
  for (const [value, x0, y0, x1, y1] of rectangles) {
    for (let y = y0; y < y1; y++) data.fill(value, y * WIDTH + x0, y * WIDTH + x1);
  }
  return encodeMaskPng({ width: WIDTH, height: HEIGHT, data });
}

const input = (files: Readonly<Record<string, Uint8Array>>): InputFile[] =>
  Object.entries(files).map(([path, bytes]) => ({ path, size: bytes.length, bytes: async () => bytes }));

async function only(files: Readonly<Record<string, Uint8Array>>) {
  const { datasets, refusals } = await readDatasets(input(files));
  const [dataset] = datasets;
  if (!dataset || datasets.length !== 1) throw new Error(`${datasets.length} datasets`);
  return { dataset, refusals };
}

async function loadFirst({ samples: [first] }: Dataset, options: LoadOptions = {}) {
  if (!first) throw new Error('the dataset is empty');
  return loadSample(first, options);
}

describe('loadSample', () => {
  const mask = labels([1, 0, 0, 3, 3], [1, 4, 0, 6, 2]);
  const classes = labels([1, 0, 0, 2, 3], [2, 2, 0, 3, 3], [2, 4, 0, 6, 2]);
  const ids = labels([7, 0, 0, 3, 3], [7, 4, 0, 6, 2]);

  it('finds objects in instances/, else labels/, else masks/', async () => {
    const regions = async (files: Readonly<Record<string, Uint8Array>>) => {
      const { dataset } = await only({ 'images/a.png': image(), ...files });
      const sample = await loadFirst(dataset);
      if (!sample.ok) throw new Error(sample.refusal.reason);
      const { labelling, objects } = sample.value;
      return [labelling?.source, labelling?.kind, objects.regions.map(({ label, area }) => [label, area])];
    };
    expect(await regions({})).toEqual([undefined, undefined, []]);
    expect(await regions({ 'masks/a.png': mask })).toEqual([
      'masks',
      'binary',
      [
        [1, 9],
        [1, 4],
      ],
    ]);
    expect(await regions({ 'masks/a.png': mask, 'labels/a.png': classes })).toEqual([
      'labels',
      'labels',
      [
        [1, 6],
        [2, 4],
        [2, 3],
      ],
    ]);
    const all = { 'masks/a.png': mask, 'labels/a.png': classes, 'instances/a.png': ids };
    expect(await regions(all)).toEqual(['instances', 'instances', [[7, 13]]]);
  });

  it('gives classes beside objects, and leaves out small ones', async () => {
    const { dataset } = await only({
      'images/a.png': image(),
      'labels/a.png': classes,
      'instances/a.png': ids,
    });
    const sample = await loadFirst(dataset, { leastArea: ({ width, height }) => (14 / 48) * width * height });
    if (!sample.ok) throw new Error(sample.refusal.reason);
    expect(sample.value.objects.regions).toEqual([]);
    expect([...new Set(sample.value.labelling?.classMap.data)].sort()).toEqual([0, 1, 2]);
    const bare = await only({ 'images/a.png': image(), 'instances/a.png': ids });
    const other = await loadFirst(bare.dataset);
    expect(other.ok && [...new Set(other.value.labelling?.classMap.data)].sort()).toEqual([0, 1]);
  });

  it('falls back to the next file when one cannot be used, and says so', async () => {
    const { dataset } = await only({
      'images/a.png': image(),
      'masks/a.png': mask,
      'instances/a.png': new Uint8Array(0),
    });
    const sample = await loadFirst(dataset);
    if (!sample.ok) throw new Error(sample.refusal.reason);
    expect(sample.value.labelling?.source).toBe('masks');
    expect(sample.value.refusals).toMatchObject([{ file: 'instances/a.png', code: 'data/empty-file' }]);
  });

  it('tells the reading of what objects and classes come from, and where that lies', async () => {
    const told = async (files: Readonly<Record<string, Uint8Array>>) => {
      const { dataset } = await only({ 'images/a.png': image(), ...files });
      return (await inspectDataset(dataset)).evidence;
    };
    const [plain, ...others] = await told({ 'GT/a.png': mask });
    expect(plain).toMatch(/^Value 0 is background/);
    expect(others.join()).not.toMatch(/read from/);
    const both = await told({ 'masks/a.png': mask, 'instances/a.png': ids });
    expect(both[0]).toBe('Objects are read from instances/; masks/ adds no object.');
    expect(both.slice(1).length).toBeGreaterThan(0);
    expect(both.slice(1).every((text) => text.startsWith('instances/: '))).toBe(true);
    const all = await told({ 'masks/a.png': mask, 'labels/a.png': classes, 'instances/a.png': ids });
    expect(all[0]).toBe(
      'Objects are read from instances/; masks/ adds no object; labels/ says their classes.',
    );
    expect(all.some((text) => text.startsWith('labels/: '))).toBe(true);
    expect(all.some((text) => text.startsWith('masks/: '))).toBe(false);
    const inOne = await told({ 'gt/a_labels.png': classes, 'gt/a_instances.png': ids });
    expect(inOne[0]).toBe('Objects and their classes are read from gt/.');
    const fallback = await told({ 'masks/a.png': mask, 'instances/a.png': new Uint8Array(0) });
    expect(fallback[0]).toMatch(/^Value 0 is background/);
  });

  it('names what cannot be read', async () => {
    const gone = {
      name: 'a.png',
      image: { path: 'images/a.png', size: 1, bytes: () => Promise.reject(new Error('gone')) },
    };
    const outcome = await loadSample(gone);
    const said = {
      code: 'data/unreadable',
      file: 'images/a.png',
      reason: 'The file could not be read (gone).',
    };
    expect(outcome).toMatchObject({ ok: false, refusal: said });
    const huge = { name: 'h.png', image: { ...gone.image, size: 2 ** 31 } };
    const refused = await loadSample(huge);
    expect(refused).toMatchObject({
      ok: false,
      refusal: { code: 'data/too-large', reason: expect.stringContaining('2048 MiB') },
    });
  });
});

describe('a drop with everything that can be wrong', () => {
  const text = new TextEncoder().encode('not an image');
  const good = labels([1, 1, 1, 4, 4]);
  const files = {
    'set/images/good.png': image(),
    'set/masks/good.png': good,
    'set/images/empty file.png': new Uint8Array(0),
    'set/masks/empty file.png': good,
    'set/images/text.png': text,
    'set/images/half.png': image().subarray(0, 40),
    'set/images/badmask.png': image(),
    'set/masks/badmask.png': good.subarray(0, 50),
    'set/images/othersize.png': image(9, 9),
    'set/masks/othersize.png': good,
    'set/images/turned.png': image(HEIGHT, WIDTH),
    'set/masks/turned.png': good,
    'set/images/blank.png': image(),
    'set/masks/blank.png': labels(),
    'set/images/alone.png': image(),
    'set/masks/orphan.png': good,
    'set/notes.txt': text,
  };

  it('says once that many masks are empty', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { dataset } = await only(
      Object.fromEntries(
        names.flatMap((name) => [
          [`set/images/${name}.png`, image()],
          [`set/masks/${name}.png`, labels()],
        ]),
      ),
    );
    const { refusals } = await inspectDataset(dataset);
    expect(refusals).toMatchObject([
      {
        code: 'data/empty-mask',
        file: 'set/masks/a.png',
        reason: 'This mask and 4 others are empty: nothing in them is foreground.',
      },
    ]);
  });

  it('says once what is wrong with all masks of a folder', async () => {
    const { dataset } = await only(
      Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [
          [`set/images/${name}.png`, image(2 * WIDTH, 2 * HEIGHT)],
          [`set/masks/${name}.png`, good],
        ]),
      ),
    );
    const { refusals, samples } = await inspectDataset(dataset);
    expect(samples.map(({ maskKind }) => maskKind)).toEqual(new Array(5).fill(undefined));
    expect(refusals).toMatchObject([
      {
        code: 'data/mask-size',
        file: 'set/masks/a.png',
        reason: expect.stringMatching(
          /8 × 6 pixels and its image a\.png is 16 × 12\. The same holds for 4 other files/,
        ),
      },
    ]);
  });

  it('gives a sentence for each, and keeps what is good', async () => {
    const { dataset, refusals } = await only(files);
    const result = await inspectDataset(dataset);
    const said = [...refusals, ...result.refusals].map(
      ({ file, code, severity }) => `${severity} ${file} ${code}`,
    );
    expect(said.sort()).toEqual([
      'notice set/masks/blank.png data/empty-mask',
      'refused set/images/empty file.png data/empty-file',
      'refused set/images/half.png data/truncated',
      'refused set/images/text.png data/not-an-image',
      'refused set/masks/badmask.png data/truncated',
      'refused set/masks/orphan.png data/mask-without-image',
      'refused set/masks/othersize.png data/mask-size',
      'refused set/masks/turned.png data/mask-size',
      'refused set/notes.txt data/not-an-image',
    ]);
    expect(result.samples.map(({ name, objects, maskKind }) => [name, objects, maskKind])).toEqual([
      ['alone.png', 0, undefined],
      ['badmask.png', 0, undefined],
      ['blank.png', 0, 'binary'],
      ['good.png', 1, 'binary'],
      ['othersize.png', 0, undefined],
      ['turned.png', 0, undefined],
    ]);
    expect(labelledNames(result.dataset)).toEqual(['blank.png', 'good.png']);
    expect(result.summary).toMatchObject({
      name: 'set',
      images: 6,
      labelled: 2,
      unlabelled: 4,
      empty: 1,
      objects: 1,
      labels: [1],
      widths: [6, 9],
      heights: [6, 9],
      maskKinds: { binary: 2, threshold: 0, labels: 0, instances: 0 },
    });
    const size = result.refusals.find(({ file }) => file === 'set/masks/othersize.png');
    expect(size?.reason).toBe('The mask is 8 × 6 pixels and its image othersize.png is 9 × 9.');
  });

  it('understands the same files in a zip', async () => {
    const { datasets, refusals } = await readDatasets(
      input({ 'drop/cells.zip': await writeZip({ ...files, '../x.png': good }) }),
    );
    expect(datasets.map(({ name, samples }) => [name, samples.length])).toEqual([['set', 9]]);
    expect(refusals.map(({ file, code }) => `${file} ${code}`)).toEqual([
      'drop/cells.zip/../x.png data/zip-path',
      'drop/cells.zip/set/masks/orphan.png data/mask-without-image',
      'drop/cells.zip/set/notes.txt data/not-an-image',
    ]);
    const flat = await readDatasets(
      input({ 'cells.zip': await writeZip({ 'images/a.png': image(), 'masks/a.png': good }) }),
    );
    expect(flat.datasets.map(({ name }) => name)).toEqual(['cells']);
    const broken = await readDatasets(input({ 'cells.zip': text }));
    expect(broken).toMatchObject({
      datasets: [],
      refusals: [{ file: 'cells.zip', code: 'data/zip-damaged' }],
    });
  });

  it('tells how far it is, and stops when asked', async () => {
    const { dataset } = await only(files);
    const seen: ReadProgress[] = [];
    const abort = new AbortController();
    const result = await inspectDataset(dataset, {
      signal: abort.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.done === 12) abort.abort();
      },
    });
    // All masks are looked at before the samples are loaded.
    expect(seen.map(({ done, total }) => [done, total])).toEqual(
      Array.from({ length: 12 }, (_, i) => [i + 1, 18]),
    );
    expect(result.samples.length).toBeLessThanOrEqual(3);
  });
});

describe('classes in masks/', () => {
  const files = {
    'images/a.png': image(),
    'masks/a.png': labels([1, 0, 0, 2, 2], [4, 3, 0, 6, 2]),
    'images/b.png': image(),
    'masks/b.png': labels([4, 0, 0, 3, 3]),
    'images/c.png': image(),
    'masks/c.png': labels([1, 0, 0, 8, 3], [2, 0, 3, 8, 6]),
  };
  const classesOf = async (dataset: Dataset) => {
    const found: number[][] = [];
    for (const sample of dataset.samples) {
      const loaded = await loadSample(sample);
      if (!loaded.ok || !loaded.value.labelling) throw new Error('not read');
      found.push(labelsOf(loaded.value.labelling.classMap));
    }
    return found;
  };

  it('keep their values in an image that happens to hold two', async () => {
    const { dataset } = await only(files);
    const result = await inspectDataset(dataset);
    expect(result.summary.labels).toEqual([1, 2, 4]);
    expect(result.summary.maskKinds).toEqual({ binary: 0, threshold: 0, labels: 3, instances: 0 });
    expect(result.samples.map((sample) => sample.labels)).toEqual([[1, 4], [4], [1, 2]]);
    expect(await classesOf(result.dataset)).toEqual([[1, 4], [4], [1, 2]]);
    const store = new DatasetStore(new MemoryStore());
    const { id } = await store.save(result);
    const stored = await store.load(id);
    if (!stored.ok) throw new Error(stored.refusal.reason);
    expect(await classesOf(stored.value.dataset)).toEqual([[1, 4], [4], [1, 2]]);
  });

  it('are kept beside instances, and masks of one object stay masks where there are none', async () => {
    const ids = labels([7, 0, 0, 3, 3]);
    const { dataset } = await only({ ...files, 'instances/b.png': ids });
    const result = await inspectDataset(dataset);
    expect(result.samples[1]).toMatchObject({ source: 'instances', labels: [4] });
    const binary = { 'images/a.png': image(), 'masks/a.png': labels([255, 0, 0, 3, 3]) };
    const plain = await inspectDataset((await only(binary)).dataset);
    expect(plain.dataset.samples[0]?.mask?.path).toBe('masks/a.png');
    expect(plain.samples[0]).toMatchObject({ maskKind: 'binary', source: 'masks', labels: [1] });
  });

  it('are not found in a JPEG among them, which is refused with the cure', async () => {
    const path = new URL('../../tests/vectors/images/images.json', import.meta.url);
    const vectors = JSON.parse(readFileSync(path, 'utf8')) as { name: string; file: string }[];
    const jpeg = new Uint8Array(
      Buffer.from(vectors.find(({ name }) => name === 'jpeg grey')?.file ?? '', 'base64'),
    );
    const { dataset } = await only({ ...files, 'images/d.png': image(), 'masks/d.jpg': jpeg });
    const result = await inspectDataset(dataset);
    expect(result.refusals).toMatchObject([
      { file: 'masks/d.jpg', code: expect.stringMatching(/lossy|photo/), severity: 'refused' },
    ]);
    expect(result.samples.map(({ maskKind }) => maskKind)).toEqual(['labels', 'labels', 'labels', undefined]);
  });
});

describe('masks of images that EXIF turns', () => {
  const objectsOf = async (orientation: number, mask: Uint8Array, width = WIDTH, height = HEIGHT) => {
    const files = { 'images/a.png': turnedPng(image(width, height), orientation), 'masks/a.png': mask };
    const { dataset, refusals } = await inspectDataset((await only(files)).dataset, { listObjects: true });
    const loaded = await loadFirst(dataset);
    if (!loaded.ok) throw new Error(loaded.refusal.reason);
    const { objects, image: upright } = loaded.value;
    return {
      size: [upright.width, upright.height],
      boxes: objects.regions.map(({ box }) => box),
      remarks: refusals.map(({ code, severity }) => `${severity} ${code}`),
    };
  };
  const stored = labels([1, 0, 0, 3, 2]);

  it('are turned likewise where the sizes agree only then', async () => {
    expect(await objectsOf(6, stored)).toEqual({
      size: [HEIGHT, WIDTH],
      boxes: [[HEIGHT - 2, 0, HEIGHT, 3]],
      remarks: ['notice data/mask-turned'],
    });
    expect((await objectsOf(8, stored)).boxes).toEqual([[0, WIDTH - 3, 2, WIDTH]]);
  });

  it('stay as they are where they are upright, or where the sizes cannot tell, which is said', async () => {
    expect(await objectsOf(6, stored, HEIGHT, WIDTH)).toMatchObject({
      boxes: [[0, 0, 3, 2]],
      remarks: [],
    });
    for (const orientation of [2, 3, 4]) {
      expect(await objectsOf(orientation, stored)).toMatchObject({
        boxes: [[0, 0, 3, 2]],
        remarks: ['notice data/mask-turn-unsure'],
      });
    }
    expect((await objectsOf(1, stored)).remarks).toEqual([]);
    expect((await objectsOf(3, labels())).remarks).toContain('notice data/mask-turn-unsure');
  });

  it('are refused where no turn makes the sizes agree', async () => {
    expect((await objectsOf(6, stored, 5, 5)).remarks).toEqual(['refused data/mask-size']);
  });
});

describe('masks of one object each', () => {
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  const dataset = (...masks: readonly Uint8Array[]): Dataset => ({
    name: 'set',
    samples: [
      {
        name: 'a.png',
        image: lazy('images/a.png', image()),
        objectMasks: masks.map((bytes, i) => lazy(`masks/a_${i}.png`, bytes)),
        split: 'test',
      },
    ],
  });

  it('are objects, the later on top where they overlap, and survive storage', async () => {
    const inspected = await inspectDataset(
      dataset(
        labels([255, 0, 0, 4, 4]),
        labels([255, 2, 2, 6, 6]),
        labels([255, 7, 0, 8, 1], [255, 7, 4, 8, 6]),
      ),
      { listObjects: true },
    );
    expect(inspected.refusals).toEqual([]);
    expect(inspected.objects[0]?.map(({ area }) => area)).toEqual([16, 12, 3]);
    expect(inspected.samples[0]).toMatchObject({ source: 'instances', maskKind: 'instances', labels: [1] });
    const store = new DatasetStore(new MemoryStore());
    const { id } = await store.save(inspected);
    const stored = await store.load(id);
    if (!stored.ok) throw new Error(stored.refusal.reason);
    expect(stored.value.dataset.samples[0]).toMatchObject({ split: 'test', reading: inspected.reading });
    const [before, after] = [await loadFirst(inspected.dataset), await loadFirst(stored.value.dataset)];
    expect(after).toEqual(before);
  });

  it('are read alike, and one that cannot be is left out', async () => {
    const inverted = (x: number) => labels([255, 0, 0, WIDTH, HEIGHT], [0, x, 1, x + 2, 3]);
    const result = await inspectDataset(dataset(inverted(1), new Uint8Array(4), inverted(5)), {
      listObjects: true,
    });
    expect(result.objects[0]?.map(({ area }) => area)).toEqual([4, 4]);
    expect(result.refusals.map(({ file, severity }) => [file, severity])).toEqual([
      ['masks/', 'notice'],
      ['masks/a_1.png', 'refused'],
    ]);
    expect(result.dataset.samples[0]?.objectMasks).toHaveLength(2);
  });
});

it('classes that ids say are those of their objects, also after storage', async () => {
  const { dataset } = await only({
    's/images/a.png': image(),
    's/instances/a.png': labels(
      [1001, 0, 0, 3, 3],
      [2004, 4, 0, 6, 2],
      [2005, 4, 3, 5, 4],
      [10_000, 6, 5, 8, 6],
    ),
  });
  const inspected = await inspectDataset(dataset);
  const store = new DatasetStore(new MemoryStore());
  const { id } = await store.save(inspected);
  const stored = await store.load(id);
  if (!stored.ok) throw new Error(stored.refusal.reason);
  for (const each of [inspected.dataset, stored.value.dataset]) {
    const loaded = await loadFirst(each);
    if (!loaded.ok || !loaded.value.labelling) throw new Error('no labels');
    const { objects, labelling } = loaded.value;
    expect(objectClasses(objects, labelling.classMap)).toEqual([1, 2, 2]);
    expect(labelling.labelMap.data.filter((value) => value < 0)).toHaveLength(2);
  }
});

it('a stored dataset keeps its reading, NaN and names included', async () => {
  const { dataset } = await only({
    'images/a.png': image(),
    'masks/a.png': labels([3, 0, 0, 3, 3], [9, 4, 0, 6, 2]),
  });
  const named = { ...dataset, classNames: new Map([[3, 'leaf']]) };
  const inspected = await inspectDataset(named, { changes: { ignored: [9] } });
  const store = new DatasetStore(new MemoryStore());
  const masks = { ...inspected.reading.masks, ignored: [9, Number.NaN] };
  const reading = { masks } as typeof inspected.reading;
  const { id, evidence } = await store.save({ ...inspected, reading });
  const stored = await store.load(id);
  if (!stored.ok) throw new Error(stored.refusal.reason);
  expect(stored.value.dataset.reading).toEqual(reading);
  expect(stored.value.dataset.classNames).toEqual(named.classNames);
  expect(evidence.join(' ')).toMatch(/9 is ignored, as you chose/);
});

it('reads files as they come, and keeps what came before a failure', async () => {
  async function* stream(): AsyncGenerator<InputFile> {
    yield* input({ 'images/a.png': image() });
    throw new Error('the folder went away');
  }
  const { datasets, refusals } = await readDatasets(stream(), { topName: 'mine' });
  expect(datasets.map(({ name, samples }) => [name, samples.length])).toEqual([['mine', 1]]);
  expect(refusals).toMatchObject([{ reason: expect.stringContaining('the folder went away') }]);
});

it('takes 5,000 files at once without reading one of them', async () => {
  const files = Array.from({ length: 2500 }, (_, i) => [`images/${i}.png`, `masks/${i}.png`]).flat();
  const unread = files.map(
    (path): InputFile => ({ path, size: 5, bytes: () => Promise.reject(new Error('read')) }),
  );
  const { datasets, refusals } = await readDatasets(unread);
  expect([datasets[0]?.samples.length, refusals.length]).toEqual([2500, 0]);
});
