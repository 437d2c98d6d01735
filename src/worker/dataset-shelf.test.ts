import { beforeEach, expect, test, vi } from 'vitest';
import { toFailureRecord } from '../config/failure.ts';
import type { Dataset } from '../data/dataset.ts';
import { encodeMaskPng, encodePicturePng } from '../data/encode-png.ts';
import { MemoryStore } from '../data/memory-store.ts';
import { playedLocks } from '../testing/played-locks.ts';
import { drawSample } from '../testing/training-sets.ts';
import { DatasetShelf } from './dataset-shelf.ts';

const quiet = { signal: new AbortController().signal, onProgress: () => undefined };

beforeEach(() => {
  vi.stubGlobal('navigator', { locks: playedLocks() });
});

function drawn(name: string, images: readonly string[], broken: readonly string[] = []): Dataset {
  const lazy = (path: string, bytes: Uint8Array) => ({ path, size: bytes.length, bytes: async () => bytes });
  return {
    name,
    samples: images.map((image) => {
      const { picture, labelling } = drawSample(image, 1);
      const bytes = broken.includes(image) ? Uint8Array.of(1, 2, 3) : encodePicturePng(picture);
      return {
        name: image,
        image: lazy(`images/${image}`, bytes),
        ...(labelling && { mask: lazy(`masks/${image}`, encodeMaskPng(labelling.labelMap)) }),
      };
    }),
  };
}

test('what is good is kept with its card, what is not is named, and both survive a reload', async () => {
  const store = new MemoryStore();
  const shelf = new DatasetShelf(store);
  const report = await shelf.add(
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
  const again = new DatasetShelf(store);
  expect(await again.list()).toEqual(report.datasets);
  const id = info?.id ?? '';
  await again.setSplitOrder(id, 'name');
  expect((await again.rename(id, 'Round cells')).splitOrder).toBe('name');
  const samples = await new DatasetShelf(store).samples(id);
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

test('what cannot be opened is told with its size, and can be deleted', async () => {
  const store = new MemoryStore();
  const shelf = new DatasetShelf(store);
  const { datasets } = await shelf.add([drawn('Cells', ['a.png'])], [], quiet);
  await store.write('datasets/half-1/images/a.png', new Uint8Array(5));
  expect(await shelf.list()).toEqual(datasets);
  expect(await shelf.broken()).toMatchObject([
    { id: 'half-1', bytes: 5, failure: { code: 'data/half-saved' } },
  ]);
  await shelf.delete('half-1');
  expect(await shelf.broken()).toEqual([]);
  expect(await shelf.list()).toEqual(datasets);
});

test('a dataset that another tab is storing is not called broken there, and cannot be deleted', async () => {
  const store = new MemoryStore();
  const there = new DatasetShelf(store);
  const seen: unknown[] = [];
  let looked: Promise<void> = Promise.resolve();
  const report = await new DatasetShelf(store).add([drawn('Cells', ['a.png', 'b.png'])], [], {
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
  });
  await looked;
  expect(seen).toMatchObject(['folder', [], { code: 'data/being-stored' }]);
  expect(await there.list()).toEqual(report.datasets);
  expect(report.datasets).toMatchObject([{ imageCount: 2 }]);
});

test.each(['Checking Second', 'Storing Second'])(
  'cancelled while %s, nothing of that dataset is kept, and what was finished is',
  async (stage) => {
    const store = new MemoryStore();
    const shelf = new DatasetShelf(store);
    const controller = new AbortController();
    const found = [drawn('First', ['a.png']), drawn('Second', ['b.png', 'c.png', 'd.png'])];
    const report = await shelf.add(found, [], {
      signal: controller.signal,
      onProgress: ({ done, label }) => {
        if (label === stage && done === 2) controller.abort();
      },
    });
    expect(controller.signal.aborted).toBe(true);
    expect(report.datasets.map(({ name }) => name)).toEqual(['First']);
    expect(report.refusals).toEqual([]);
    expect(await new DatasetShelf(store).list()).toEqual(report.datasets);
    expect(await store.list('datasets')).toHaveLength(1);
  },
);

test('a full disk loses nothing that was there and says so', async () => {
  const first = drawn('First', ['a.png']);
  const size = [first.samples[0]?.image.size ?? 0, first.samples[0]?.mask?.size ?? 0];
  const store = new MemoryStore(3 * (size[0] ?? 0) + 4000);
  const shelf = new DatasetShelf(store);
  await shelf.add([first], [], quiet);
  const many = Array.from({ length: 9 }, (_, i) => `${i}.png`);
  const report = await shelf.add([drawn('Second', many)], [], quiet);
  expect(report.datasets).toEqual([]);
  expect(report.refusals.map(({ code }) => code)).toEqual(['storage/full']);
  expect((await shelf.list()).map(({ name }) => name)).toEqual(['First']);
});
