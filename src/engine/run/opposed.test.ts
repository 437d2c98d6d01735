import { expect, test } from 'vitest';
import type { DatasetSample } from '../../data/dataset.ts';
import { opposedDatasets } from './opposed.ts';
import type { RunDataset } from './run-types.ts';

const file = (path: string, size: number) => ({ path, size, bytes: async () => new Uint8Array(size) });

/** @param images name, bytes of its file and of its mask. */
function dataset(name: string, images: readonly (readonly [name: string, bytes: number, mask: number])[]) {
  const samples = images.map(
    ([each, bytes, mask]): DatasetSample => ({
      name: each,
      image: file(`${name}/${each}`, bytes),
      instances: file(`${name}/i/${each}`, mask),
    }),
  );
  const split = { train: images.map(([each]) => each), val: [], test: [] };
  return { key: name, name, dataset: { name, samples }, split } satisfies RunDataset;
}

const leaves = dataset('leaves', [
  ['a.png', 100, 20],
  ['b.png', 110, 21],
  ['c.png', 120, 22],
]);

test('the same images with other masks contradict each other, in whatever folders they lie', () => {
  const spots = dataset('spots', [
    ['x/a.png', 100, 30],
    ['x/b.png', 110, 31],
    ['x/d.png', 130, 32],
  ]);
  const [found, ...others] = opposedDatasets([leaves, spots]);
  expect(found).toMatchObject({ names: ['leaves', 'spots'], images: 2 });
  expect(others).toEqual([]);
  expect(found?.sentence).toContain('“leaves” and “spots” want other objects of the same 2 images');
});

test.each([
  [
    'the same masks',
    dataset('copy', [
      ['a.png', 100, 20],
      ['b.png', 110, 21],
      ['c.png', 120, 22],
    ]),
  ],
  [
    'other images of the same names',
    dataset('others', [
      ['a.png', 101, 30],
      ['b.png', 111, 31],
    ]),
  ],
  [
    'few images in common',
    dataset('few', [
      ['a.png', 100, 30],
      ['p.png', 1, 1],
      ['q.png', 2, 2],
      ['r.png', 3, 3],
    ]),
  ],
  [
    'no images in a split',
    { ...dataset('left', [['a.png', 100, 30]]), split: { train: [], val: [], test: [] } },
  ],
])('%s do not', (_, other) => {
  expect(opposedDatasets([leaves, other])).toEqual([]);
});
