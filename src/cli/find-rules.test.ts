import { expect, it } from 'vitest';
import type { Dataset, DatasetSample } from '../data/dataset.ts';
import { withoutImages } from './find-rules.ts';

const sample = (path: string, bytes: readonly number[], size = bytes.length): DatasetSample => ({
  name: path.replace(/^.*\//, ''),
  image: { path, size, bytes: async () => Uint8Array.from(bytes) },
});
const named = ({ samples }: Dataset) => samples.map(({ image }) => image.path);

it('leaves out the same images under other names and in other folders, and no others of the same name', async () => {
  const teacher = {
    name: 'cells',
    samples: [sample('b/copied.png', [1, 2, 3]), sample('b/a.png', [4, 5, 6]), sample('b/c.png', [7])],
  };
  expect(named(await withoutImages(teacher, [sample('a/a.png', [1, 2, 3])]))).toEqual(['b/a.png', 'b/c.png']);
});

it('compares files whose size is not known', async () => {
  const teacher = { name: 'cells', samples: [sample('b/a.png', [1, 2], 0), sample('b/b.png', [3], 0)] };
  expect(named(await withoutImages(teacher, [sample('a/a.png', [1, 2], 0)]))).toEqual(['b/b.png']);
});

it('does not read files that cannot be the same', async () => {
  const unread: DatasetSample = {
    name: 'large.png',
    image: { path: 'b/large.png', size: 9, bytes: () => Promise.reject(new Error('it was read')) },
  };
  const left = await withoutImages({ name: 'cells', samples: [unread] }, [sample('a/a.png', [1])]);
  expect(left.samples).toHaveLength(1);
});
