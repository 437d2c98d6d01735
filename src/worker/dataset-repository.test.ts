import { beforeEach, expect, test, vi } from 'vitest';
import { Failure, toFailureRecord } from '../config/failure.ts';
import type { Dataset } from '../data/dataset.ts';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { fakeWebLocks } from '../testing/fake-web-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { DatasetRepository } from './dataset-repository.ts';
import type { DatasetInfo } from './protocol.ts';
import { datasetLocks } from './tab-locks.ts';

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeWebLocks() });
});

function drawn(datasetName: string, images: readonly string[], broken: readonly string[] = []): Dataset {
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return {
    name: datasetName,
    samples: images.map((name) => {
      const { image, labelling } = drawSample(name, 1);
      const bytes = broken.includes(name) ? Uint8Array.of(1, 2, 3) : encodeImagePng(image);
      return {
        name,
        image: lazy(`images/${name}`, bytes),
        ...(labelling && { mask: lazy(`masks/${name}`, encodeMaskPng(labelling.labelMap)) }),
      };
    }),
  };
}

test('what is good is kept with its card, what is not is named, and both survive a reload', async () => {
  const store = new MemoryStore();
  const repository = new DatasetRepository(store);
  const report = await repository.add(
    [drawn('Cells', ['a.png', 'b.png', 'c.png', 'd.png'], ['b.png'])],
    [],
    quiet,
  );
  expect(report.refusals.map(({ where }) => where)).toEqual(['images/b.png']);
  const [info] = report.datasets;
  expect(info).toMatchObject({
    name: 'Cells',
    imageCount: 3,
    maskedCount: 3,
    objectCount: 6,
    maskKind: 'binary',
  });
  expect(info?.split).toEqual({ train: 1, validation: 1, test: 1 });
  const again = new DatasetRepository(store);
  expect(await again.list()).toEqual(report.datasets);
  const id = info?.id ?? '';
  await again.setSplitOrder(id, 'name');
  expect((await again.rename(id, 'Round cells')).splitOrder).toBe('name');
  const samples = await new DatasetRepository(store).samples(id);
  expect(samples.map(({ name, split }) => [name, split])).toEqual([
    ['a.png', 'train'],
    ['c.png', 'validation'],
    ['d.png', 'test'],
  ]);
  expect((await again.sample(id, 'c.png')).objects.regions).toHaveLength(2);
  await again.delete(id);
  expect(await again.list()).toEqual([]);
  await expect(again.sample(id, 'c.png')).rejects.toThrow();
});

test('datasets of one name are told apart, those of one drop too', async () => {
  const repository = new DatasetRepository(new MemoryStore());
  const names = ['a.png', 'b.png', 'c.png'];
  const { datasets } = await repository.add([drawn('Cells', names), drawn('Cells', names)], [], quiet);
  expect(datasets.map(({ name }) => name)).toEqual(['Cells', 'Cells (2)']);
  expect((await repository.add([drawn('Cells', names)], [], quiet)).datasets).toMatchObject([
    { name: 'Cells (3)', objectCount: 6 },
  ]);
});

test('an image keeps the part that it had in a run, though it took no part in the run after', async () => {
  const store = new MemoryStore();
  const repository = new DatasetRepository(store);
  const names = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png'];
  const [info] = (await repository.add([drawn('Cells', names)], [], quiet)).datasets;
  const id = info?.id ?? '';
  await repository.keepSplit(id, { train: ['a.png', 'b.png'], val: ['c.png'], test: ['d.png', 'e.png'] });
  // Its labels were not done when the next run began.
  await repository.keepSplit(id, { train: ['a.png', 'f.png'], val: ['c.png'], test: ['d.png'] });
  const samples = await new DatasetRepository(store).samples(id);
  expect(Object.fromEntries(samples.map(({ name, split }) => [name, split]))).toEqual({
    ...{ 'a.png': 'train', 'b.png': 'train', 'f.png': 'train' },
    ...{ 'c.png': 'validation', 'd.png': 'test', 'e.png': 'test' },
  });
});

test('a dataset is imported at the scale that suits the open model, and changed afterwards', async () => {
  const store = new MemoryStore();
  // Objects are 15 pixels wide in images of 40.
  const small = new DatasetRepository(store, null, () => ({ size: 32, aspect: 'keep' }));
  const large = new DatasetRepository(store, null, () => ({ size: 256, aspect: 'keep' }));
  const cells = drawn('Cells', ['a.png', 'b.png', 'c.png']);
  const add = async (repository: DatasetRepository, dataset: Dataset) => {
    const [info] = (await repository.add([dataset], [], quiet)).datasets;
    if (!info) throw new Error('nothing was imported');
    return info;
  };
  expect((await add(large, cells)).scale).toMatchObject({
    chosen: 'whole',
    suggested: 'whole',
    longestSide: 40,
    sentence: expect.stringContaining('a model of 256 pixels'),
    closer: null,
    tooSmall: null,
  });
  expect((await add(large, { ...cells, scale: 20 })).scale.chosen).toBe(20);
  const info = await add(small, cells);
  expect((await small.open(info.id)).dataset.scale).toBe(info.scale.chosen);
  const changed = await small.setScale(info.id, 24);
  expect(changed.scale).toMatchObject({ chosen: 24, suggested: info.scale.suggested });
  expect((await small.open(info.id)).dataset.scale).toBe(24);
  expect((await new DatasetRepository(store).open(info.id)).dataset.scale).toBe(24);
  const tiny = new DatasetRepository(store, null, () => ({ size: 4, aspect: 'keep' }));
  expect((await tiny.info(info.id)).scale.tooSmall?.what).toMatch(/All 6 objects .* a model of 4 pixels/);
  await expect(tiny.setScale('gone', 24)).rejects.toMatchObject({ record: { code: 'data/half-saved' } });
});

test('what another tab changed of a dataset holds here too, once datasets are listed', async () => {
  const store = new MemoryStore();
  const [mine, other] = [new DatasetRepository(store), new DatasetRepository(store)];
  const report = await mine.add([drawn('Cells', ['a.png', 'b.png', 'c.png', 'd.png'])], [], quiet);
  const id = report.datasets[0]?.id ?? '';
  const before = await mine.open(id);
  await mine.list();
  expect(await mine.open(id)).toBe(before);
  await other.setScale(id, 24);
  await other.setSplitOrder(id, 'name');
  expect(await mine.list()).toMatchObject([{ scale: { chosen: 24 }, splitOrder: 'name' }]);
  expect(await mine.open(id)).toMatchObject({ stored: { scale: 24 }, card: { splitOrder: 'name' } });
});

test('what cannot be opened is told with its size, and can be deleted', async () => {
  const store = new MemoryStore();
  const repository = new DatasetRepository(store);
  const { datasets } = await repository.add([drawn('Cells', ['a.png'])], [], quiet);
  await store.write('datasets/half-1/images/a.png', new Uint8Array(5));
  expect(await repository.list()).toEqual(datasets);
  expect(await repository.broken()).toMatchObject([
    { id: 'half-1', bytes: 5, failure: { code: 'data/half-saved' } },
  ]);
  await repository.delete('half-1');
  expect(await repository.broken()).toEqual([]);
  expect(await repository.list()).toEqual(datasets);
});

test('what is asked for together is read once, and a change is seen by whoever asks after it', async () => {
  const store = new MemoryStore();
  const { datasets } = await new DatasetRepository(store).add([drawn('Cells', ['a.png'])], [], quiet);
  const read = vi.spyOn(store, 'read');
  const repository = new DatasetRepository(store);
  expect(await Promise.all([repository.list(), repository.broken()])).toEqual([datasets, []]);
  expect(read.mock.calls.filter(([path]) => path.endsWith('dataset.json'))).toHaveLength(1);
  const slow = repository.list();
  await vi.waitFor(() => expect(read.mock.calls.length).toBeGreaterThan(2));
  await new DatasetRepository(store).delete(datasets[0]?.id ?? '');
  expect(await repository.list()).toEqual([]);
  await slow.catch(() => undefined);
});

test('a dataset that another tab is storing is not called broken there, and cannot be deleted', async () => {
  const store = new MemoryStore();
  const there = new DatasetRepository(store);
  const seen: unknown[] = [];
  let looked: Promise<void> = Promise.resolve();
  const report = await new DatasetRepository(store).add(
    [drawn('Cells', ['a.png', 'b.png', 'c.png', 'd.png'])],
    [],
    {
      ...quiet,
      onProgress: ({ done, label }) => {
        if (label !== 'Storing Cells' || done !== 1) return;
        looked = (async () => {
          const [half] = await store.list('datasets');
          seen.push(
            half?.kind,
            await there.broken(),
            await there.delete(half?.name ?? '').catch(toFailureRecord),
          );
        })();
      },
    },
  );
  await looked;
  expect(seen).toMatchObject(['folder', [], { code: 'data/being-stored' }]);
  expect(await there.list()).toEqual(report.datasets);
  expect(report.datasets).toMatchObject([{ imageCount: 4 }]);
});

test.each(['Checking Second', 'Storing Second'])(
  'cancelled while %s, nothing of that dataset is kept, and what was finished is',
  async (stage) => {
    const store = new MemoryStore();
    const repository = new DatasetRepository(store);
    const controller = new AbortController();
    const found = [drawn('First', ['a.png']), drawn('Second', ['b.png', 'c.png', 'd.png'])];
    const report = await repository.add(found, [], {
      signal: controller.signal,
      onProgress: ({ done, label }) => {
        if (label === stage && done === 2) controller.abort();
      },
    });
    expect(controller.signal.aborted).toBe(true);
    expect(report.datasets.map(({ name }) => name)).toEqual(['First']);
    expect(report.refusals).toEqual([]);
    expect(await new DatasetRepository(store).list()).toEqual(report.datasets);
    expect(await store.list('datasets')).toHaveLength(1);
  },
);

test('a full disk loses nothing that was there and says so', async () => {
  const first = drawn('First', ['a.png']);
  const size = [first.samples[0]?.image.size ?? 0, first.samples[0]?.mask?.size ?? 0];
  const store = new MemoryStore(3 * (size[0] ?? 0) + 4000);
  const repository = new DatasetRepository(store);
  await repository.add([first], [], quiet);
  const many = Array.from({ length: 9 }, (_, i) => `${i}.png`);
  const report = await repository.add([drawn('Second', many)], [], quiet);
  expect(report.datasets).toEqual([]);
  expect(report.refusals.map(({ code }) => code)).toEqual(['storage/full']);
  expect((await repository.list()).map(({ name }) => name)).toEqual(['First']);
});

test('cut off after any write or removal, a dataset is whole with its card, or is not listed', async () => {
  const store = new MemoryStore();
  const repository = new DatasetRepository(store);
  const listed: DatasetInfo[][] = [];
  const look = async () => void listed.push(await new DatasetRepository(store).list());
  const { write, remove } = { write: store.write.bind(store), remove: store.remove.bind(store) };
  vi.spyOn(store, 'write').mockImplementation((path, bytes) => write(path, bytes).then(look));
  vi.spyOn(store, 'remove').mockImplementation((path) => remove(path).then(look));
  const { datasets } = await repository.add([drawn('Cells', ['a.png', 'b.png'], ['b.png'])], [], quiet);
  expect(datasets[0]?.refusals).toHaveLength(1);
  await repository.delete(datasets[0]?.id ?? '');
  expect(listed.length).toBeGreaterThan(4);
  for (const found of listed) if (found.length > 0) expect(found).toEqual(datasets);
  expect(listed.filter((found) => found.length > 0)).toHaveLength(1);
});

test('a dataset that another tab deleted is not brought back by a change to it', async () => {
  const store = new MemoryStore();
  const here = new DatasetRepository(store);
  const { datasets } = await here.add([drawn('Cells', ['a.png'])], [], quiet);
  const id = datasets[0]?.id ?? '';
  await new DatasetRepository(store).delete(id);
  await expect(here.rename(id, 'Round cells')).rejects.toMatchObject({ record: { code: 'data/half-saved' } });
  await expect(here.setSplitOrder(id, 'name')).rejects.toMatchObject({ record: { code: 'data/half-saved' } });
  const split = { train: ['a.png'], val: [], test: [] };
  await expect(here.keepSplit(id, split)).rejects.toMatchObject({ record: { code: 'data/half-saved' } });
  await expect(here.openAnew(id)).rejects.toMatchObject({ record: { code: 'data/half-saved' } });
  expect(await store.list('datasets')).toEqual([]);
});

test('a run keeps its split though a label of the dataset is just being stored', async () => {
  const repository = new DatasetRepository(new MemoryStore());
  const { datasets } = await repository.add([drawn('Cells', ['a.png', 'b.png'])], [], quiet);
  const id = datasets[0]?.id ?? '';
  const label = await datasetLocks.take(id);
  const kept = repository.keepSplit(id, { train: ['a.png'], val: [], test: ['b.png'] });
  await label.release();
  await kept;
  expect((await repository.samples(id)).map(({ split }) => split)).toEqual(['train', 'test']);
});

test('whether a dataset is in use is asked when nothing can begin to use it any more', async () => {
  const repository = new DatasetRepository(new MemoryStore());
  const { datasets } = await repository.add([drawn('Cells', ['a.png'])], [], quiet);
  const id = datasets[0]?.id ?? '';
  const inUse = new Failure({ code: 'data/in-use', what: 'A run trains on it.', cure: 'Pause it.' });
  const taken: boolean[] = [];
  const expectUnused = async (): Promise<void> => {
    taken.push((await datasetLocks.taken()).has(id));
    throw inUse;
  };
  await expect(repository.delete(id, expectUnused)).rejects.toBe(inUse);
  expect(taken).toEqual([true]);
  expect(await repository.list()).toHaveLength(1);
});
