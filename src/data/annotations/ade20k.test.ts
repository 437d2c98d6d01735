import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const square = (x: number, y: number, side: number) => ({
  x: [x, x + side, x + side, x],
  y: [y, y, y + side, y + side],
});
const object = (name: string, polygon: unknown, partLevel = 0) => ({
  id: 0,
  name,
  name_ndx: 401,
  parts: { part_level: partLevel, hasparts: [], ispartof: [] },
  polygon,
});
const file = (...objects: readonly unknown[]) => ({
  annotation: { filename: 'ADE_train_00000001.jpg', imsize: [16, 20, 3], object: objects },
});

it('reads the outlines of ADE20K with their names, but no parts, and names what is damaged', async () => {
  const { images, remarks } = await understoodDrop({
    'street/ADE_train_00000001.jpg': blankPng(20, 16),
    'street/ADE_train_00000001.json': file(
      object('building, edifice', square(1, 1, 10)),
      object('window', square(2, 2, 3), 1),
      object('tree', square(13, 2, 4)),
      object('door', { x: [1, 2, 3], y: [1, 2] }),
    ),
  });
  expect(images).toEqual({
    'street/ADE_train_00000001.jpg': {
      objects: [
        ['building, edifice', 100, [1, 1, 11, 11]],
        ['tree', 16, [13, 2, 17, 6]],
      ],
      ignored: 0,
    },
  });
  expect(remarks).toEqual([
    'notice data/annotation-object street/ADE_train_00000001.json: Left out: object[3]: it has not as many x as y.',
  ]);
});
