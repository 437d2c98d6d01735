import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);
const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];
const vessel = (...coordinates: unknown[]) => ({ type: 'blood_vessel', coordinates });
const lines = (...all: readonly unknown[]) => all.map((one) => `${JSON.stringify(one)}\n`).join('');

it('reads the outlines of HuBMAP, an image in each line', async () => {
  const { images, remarks } = await understoodDrop({
    'hubmap/train/0006ff2aa7cd.png': IMAGE,
    'hubmap/train/00168d1b7522.png': IMAGE,
    'hubmap/train/0033bbc76b6b.png': IMAGE,
    'hubmap/polygons.jsonl': lines(
      {
        id: '0006ff2aa7cd',
        annotations: [
          vessel(square(1, 1, 6), square(3, 3, 2)),
          { type: 'glomerulus', coordinates: [square(9, 1, 4)] },
        ],
      },
      { id: '00168d1b7522', annotations: [] },
    ),
  });
  expect(images).toEqual({
    'hubmap/train/0006ff2aa7cd.png': {
      objects: [
        ['blood_vessel', 32, [1, 1, 7, 7]],
        ['glomerulus', 16, [9, 1, 13, 5]],
      ],
      ignored: 0,
    },
    'hubmap/train/00168d1b7522.png': { objects: [], ignored: 0 },
    'hubmap/train/0033bbc76b6b.png': null,
  });
  expect(remarks.filter((text) => !text.includes('empty'))).toEqual([]);
});

it('says which lines and outlines are damaged', async () => {
  const good = { id: 'a', annotations: [vessel(square(1, 1, 6)), vessel([[1, 1]])] };
  const { images, remarks } = await understoodDrop({
    'a.png': IMAGE,
    'polygons.jsonl': `${lines(good)}{"id": "b", "annot`,
  });
  expect(images['a.png']?.objects).toHaveLength(1);
  expect(remarks).toEqual([
    'notice data/annotation-object polygons.jsonl: Left out: annotation 2 of a: it has 1 points, fewer than 3.',
    expect.stringMatching(/Left out: line 2: it is damaged/),
  ]);
});
