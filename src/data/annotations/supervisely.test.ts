import { encode } from 'fast-png';
import { zlibSync } from 'fflate';
import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);
const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];

/** A PNG of 3 × 2 pixels, packed once more, of which all but the first are set. */
function packed(channels: 1 | 4) {
  const data = new Uint8Array(6 * channels).fill(255);
  data.fill(0, channels - 1, channels);
  const png = zlibSync(encode({ width: 3, height: 2, channels, depth: 8, data }));
  return btoa(String.fromCharCode(...png));
}

const object = (classTitle: string, geometryType: string, rest: object) => ({
  id: 1,
  classTitle,
  geometryType,
  tags: [],
  ...rest,
});
const file = (...objects: readonly unknown[]) => ({
  description: '',
  tags: [],
  size: { height: 16, width: 20 },
  objects,
});

it('reads polygons, rectangles and bitmaps of Supervisely, each image by its own name', async () => {
  const { images, remarks } = await understoodDrop({
    'p/meta.json': { classes: [{ title: 'cell', shape: 'any', color: '#F65050' }], tags: [] },
    'p/ds0/img/a.png': IMAGE,
    'p/ds0/ann/a.png.json': file(
      object('cell', 'polygon', { points: { exterior: square(1, 1, 6), interior: [square(3, 3, 2)] } }),
      object('cell', 'bitmap', { bitmap: { data: packed(1), origin: [10, 2] } }),
      object('debris', 'bitmap', { bitmap: { data: packed(4), origin: [10, 8] } }),
      object('debris', 'rectangle', {
        points: {
          exterior: [
            [2, 10],
            [6, 14],
          ],
          interior: [],
        },
      }),
    ),
    'p/ds1/img/a.png': IMAGE,
    'p/ds1/ann/a.png.json': file(),
  });
  expect(images).toEqual({
    'p/ds0/img/a.png': {
      objects: [
        ['cell', 32, [1, 1, 7, 7]],
        ['debris', 16, [2, 10, 6, 14]],
        ['cell', 5, [10, 2, 13, 4]],
        ['debris', 5, [10, 8, 13, 10]],
      ],
      ignored: 0,
    },
    'p/ds1/img/a.png': { objects: [], ignored: 0 },
  });
  expect(remarks.filter((text) => !text.includes('empty'))).toEqual([]);
});

it('says what of it is no outline', async () => {
  const { images, remarks } = await understoodDrop({
    'img/a.png': IMAGE,
    'ann/a.png.json': file(
      object('cell', 'polygon', { points: { exterior: square(1, 1, 6), interior: [] } }),
      object('cell', 'line', { points: { exterior: square(1, 1, 6) } }),
      object('cell', 'bitmap', { bitmap: { data: 'AAAA', origin: [1, 1] } }),
      object('cell', 'bitmap', {}),
    ),
  });
  expect(images['img/a.png']?.objects).toHaveLength(1);
  expect(remarks.map((text) => text.replace(/.*Left out: /, ''))).toEqual([
    'objects[1]: a line has no area.',
    'objects[2]: its mask is damaged.',
    'objects[3]: its mask is missing or damaged.',
  ]);
});
