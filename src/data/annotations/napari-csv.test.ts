/**
 * Expected areas and boxes are those of scikit-image's `polygon2mask` and of the equation of an ellipse, at whole
 * numbers of rows and columns, which are the middles of pixels there and in napari.
 */
import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);
const HEADER = 'index,shape-type,vertex-index,axis-0,axis-1';

const lines = (index: number, type: string, corners: readonly (readonly number[])[]) =>
  corners.map((corner, i) => [index, type, i, ...corner].join()).join('\n');

const TRIANGLE = [
  [1.5, 2.5],
  [1.5, 7.5],
  [5.5, 7.5],
];
const RECTANGLE = [...TRIANGLE, [5.5, 2.5]];
const UPRIGHT = [
  [7.8, 0.8],
  [7.8, 9.2],
  [14.2, 9.2],
  [14.2, 0.8],
];
/** Around (8, 12), of radii 5 and 2, turned by 45°. */
const TURNED = [
  [3.050253, 9.87868],
  [10.12132, 16.949747],
  [12.949747, 14.12132],
  [5.87868, 7.050253],
];

async function read(text: string, path = 'set/a_shapes.csv', more: Readonly<Record<string, unknown>> = {}) {
  const { images, remarks } = await understoodDrop({ 'set/a.tif': IMAGE, [path]: text, ...more });
  return { objects: images['set/a.tif']?.objects.map(([, ...one]) => one), remarks };
}

describe('CSV of napari', () => {
  it.each([
    ['polygon', TRIANGLE, 10, [4, 2, 8, 6]],
    ['ellipse', UPRIGHT, 43, [1, 8, 10, 15]],
    ['ellipse', TURNED, 29, [9, 5, 16, 12]],
  ])('reads a %s', async (type, corners, area, box) => {
    const { objects, remarks } = await read([HEADER, lines(0, type, corners)].join('\n'));
    expect(objects).toEqual([[area, box]]);
    expect(remarks).toEqual([]);
  });

  it('reads rectangles, in one plane of more axes too, which are said where there is nothing else', async () => {
    const flat = RECTANGLE.map((corner) => [0, ...corner]);
    for (const text of [
      [HEADER, lines(0, 'rectangle', RECTANGLE)].join('\r\n'),
      [`${HEADER},axis-2`, lines(0, 'rectangle', flat)].join('\n'),
    ]) {
      const { objects, remarks } = await read(text);
      expect(objects).toEqual([[20, [3, 2, 8, 6]]]);
      expect(remarks).toEqual([
        expect.stringMatching(/^notice data\/annotation-rectangles set\/a_shapes\.csv/),
      ]);
    }
  });

  it('belongs to the image of its name, else to the only one of its folder', async () => {
    const text = [HEADER, lines(0, 'polygon', TRIANGLE)].join('\n');
    expect((await read(text, 'set/Shapes.csv')).objects).toEqual([[10, [4, 2, 8, 6]]]);
    const of = await read(text, 'set/a.csv', { 'set/b.tif': IMAGE });
    expect(of.objects).toEqual([[10, [4, 2, 8, 6]]]);
    const open = await read(text, 'set/Shapes.csv', { 'set/b.tif': IMAGE });
    expect(open.remarks.join()).toMatch(/data\/annotation-image-missing set\/Shapes\.csv/);
  });

  it('says what is no outline', async () => {
    const mixed = [
      HEADER,
      lines(0, 'polygon', TRIANGLE),
      lines(1, 'line', TRIANGLE.slice(0, 2)),
      lines(2, 'polygon', TRIANGLE.slice(0, 2)),
      lines(3, 'ellipse', TRIANGLE),
      '4,polygon,0,,1',
    ].join('\n');
    const { objects, remarks } = await read(mixed);
    expect(objects).toHaveLength(1);
    expect(remarks.map((remark) => remark.replace(/^.*Left out: /, ''))).toEqual([
      'shape 1: a line has no area.',
      'shape 2: it has 2 points, fewer than 3.',
      'shape 3: it has 3 corners in place of 4.',
      'shape 4: one of its coordinates is null.',
    ]);
    const points = await read('index,axis-0,axis-1\n0,3,4\n');
    expect(points.remarks.join()).toMatch(/refused data\/annotation-boxes .*a points layer of napari/);
    const stack = await read(
      [
        `${HEADER},axis-2`,
        lines(
          0,
          'polygon',
          TRIANGLE.map((one) => [0, ...one]),
        ),
        lines(
          1,
          'polygon',
          TRIANGLE.map((one) => [3, ...one]),
        ),
      ].join('\n'),
    );
    expect(stack.remarks.join()).toMatch(/refused data\/annotation-planes .*several planes of a stack/);
  });
});
