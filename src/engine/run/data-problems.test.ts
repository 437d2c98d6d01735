import { expect, test } from 'vitest';
import { DatasetStore } from '../../data/dataset-store.ts';
import { encodeImagePng, encodeMaskPng } from '../../data/encode-png.ts';
import { inspectDataset } from '../../data/inspect.ts';
import type { LazyFile } from '../../data/lazy-file.ts';
import { MemoryStore } from '../../data/memory-store.ts';
import { valueOrThrow } from '../../data/outcome.ts';
import type { Split } from '../../data/types.ts';
import { runDataset } from '../datasets.ts';
import { dataProblems } from './plan-run.ts';

const SIDE = 16;

function file(path: string, bytes: Uint8Array): LazyFile {
  return { path, size: bytes.length, bytes: async () => bytes };
}

/** An image whose mask has a square, or nothing. */
function sample(name: string, hasObject: boolean, split?: Split) {
  const data = new Uint8Array(SIDE * SIDE);
  if (hasObject) for (let y = 4; y < 10; y++) data.fill(1, y * SIDE + 4, y * SIDE + 10);
  const rgb = new Uint8Array(3 * SIDE * SIDE).fill(90);
  return {
    name,
    image: file(
      `images/${name}`,
      encodeImagePng({ width: SIDE, height: SIDE, channels: 3 as const, data: rgb }),
    ),
    mask: file(`masks/${name}`, encodeMaskPng({ width: SIDE, height: SIDE, data })),
    ...(split && { split }),
  };
}

/** A run's dataset of the images, as the command line reads it and as the studio stores it. */
async function both(samples: readonly ReturnType<typeof sample>[]) {
  const inspected = await inspectDataset({ name: 'Cells', samples });
  const store = new DatasetStore(new MemoryStore());
  const { id } = await store.save(inspected);
  const { dataset } = valueOrThrow(await store.load(id));
  return [inspected.dataset, dataset].map((each) => runDataset({ key: 'c', name: 'Cells' }, each, 0, 'name'));
}

const REFUSED = {
  code: 'train/no-objects',
  what: 'No training image of this dataset has an object: all of their masks are empty.',
  where: 'Cells',
};

test('a dataset whose masks are all empty is refused before it starts', async () => {
  for (const dataset of await both(['a.png', 'b.png', 'c.png'].map((name) => sample(name, false))))
    expect(dataProblems([dataset])).toMatchObject([REFUSED]);
});

test('a dataset with objects in validation and test images alone is refused before it starts', async () => {
  const samples = [
    sample('a.png', false, 'train'),
    sample('b.png', true, 'val'),
    sample('c.png', true, 'test'),
  ];
  for (const dataset of await both(samples)) expect(dataProblems([dataset])).toMatchObject([REFUSED]);
});

test('one object among empty training images is enough, as are images that were not counted', async () => {
  const samples = [
    sample('a.png', false, 'train'),
    sample('b.png', true, 'train'),
    sample('c.png', false, 'val'),
    sample('d.png', false, 'test'),
  ];
  for (const dataset of await both(samples)) expect(dataProblems([dataset])).toEqual([]);
  const uncounted = runDataset({ key: 'c', name: 'Cells' }, { name: 'Cells', samples }, 0, 'name');
  expect(dataProblems([uncounted])).toEqual([]);
});
