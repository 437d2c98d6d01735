import { expect, test } from 'vitest';
import { encodeImagePng, encodeMaskPng } from '../data/encode-png.ts';
import type { InputFile } from '../data/read-datasets.ts';
import { drawSample } from '../testing/training-sets.ts';
import { openFolderDataset, splitOf } from './datasets.ts';

const file = (path: string, bytes: Uint8Array): InputFile => ({
  path,
  size: bytes.length,
  bytes: async () => bytes,
});

function drawn(name: string, change: { image?: Uint8Array; mask?: Uint8Array } = {}): InputFile[] {
  const { image, labelling } = drawSample(name, 1);
  if (!labelling) throw new Error('the drawn sample has no mask');
  return [
    file(`images/${name}`, change.image ?? encodeImagePng(image)),
    file(`masks/${name}`, change.mask ?? encodeMaskPng(labelling.labelMap)),
  ];
}

test('images and masks that cannot be used take no part in the split, as in the studio', async () => {
  const broken = Uint8Array.of(1, 2, 3);
  const { dataset, refusals } = await openFolderDataset(
    [
      ...drawn('a.png'),
      ...drawn('b.png', { image: broken }),
      ...drawn('c.png', { mask: broken }),
      ...drawn('d.png'),
    ],
    'Cells',
  );
  expect(dataset.name).toBe('Cells');
  expect(dataset.samples.map(({ name, mask }) => [name, mask !== undefined])).toEqual([
    ['a.png', true],
    ['c.png', false],
    ['d.png', true],
  ]);
  expect(refusals.map((refusal) => refusal.file)).toEqual(['images/b.png', 'masks/c.png']);
  expect(splitOf(dataset, 0, 'name')).toEqual({ train: ['a.png'], val: ['d.png'], test: [] });
});

test('a folder without an image that can be read is refused with the reason', async () => {
  await expect(openFolderDataset(drawn('a.png', { image: Uint8Array.of(1) }), 'Cells')).rejects.toMatchObject(
    { record: { code: 'data/no-dataset', where: 'Cells' } },
  );
});
