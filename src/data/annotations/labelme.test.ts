import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { encodeMaskPng } from '../encode-png.ts';

const IMAGE = blankPng(20, 16);
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

const json = (shapes: readonly object[], more: object = {}) => ({
  version: '5.4.1',
  shapes,
  imagePath: 'p.jpg',
  imageData: null,
  imageHeight: 16,
  imageWidth: 20,
  ...more,
});

async function read(shapes: readonly object[], more: object = {}) {
  const { images, remarks } = await understoodDrop({ 'set/p.png': IMAGE, 'set/p.json': json(shapes, more) });
  return { image: images['set/p.png'], remarks };
}

describe('LabelMe', () => {
  it('reads every shape with an area', async () => {
    const mask = encodeMaskPng({ width: 3, height: 2, data: Uint8Array.of(1, 0, 1, 1, 1, 0) });
    const { image, remarks } = await read([
      {
        label: 'a',
        points: [
          [1, 1],
          [5, 1],
          [5, 3],
          [1, 3],
        ],
      },
      {
        label: 'b',
        points: [
          [12, 5],
          [8, 2],
        ],
        shape_type: 'rectangle',
      },
      {
        label: 'c',
        points: [
          [4.5, 10.5],
          [4.5, 13.3],
        ],
        shape_type: 'circle',
      },
      {
        label: 'd',
        points: [
          [14, 1],
          [17, 4],
          [15, 6],
          [12, 3],
        ],
        shape_type: 'rotation',
      },
      {
        label: 'e',
        points: [
          [12, 10],
          [14, 11],
        ],
        shape_type: 'mask',
        mask: base64(mask),
      },
    ]);
    expect(image?.objects).toEqual([
      ['c', 21, [2, 8, 7, 13]],
      ['d', 12, [12, 1, 16, 6]],
      ['b', 12, [8, 2, 12, 5]],
      ['a', 8, [1, 1, 5, 3]],
      ['e', 4, [12, 10, 15, 12]],
    ]);
    expect(remarks).toEqual([]);
  });

  it('draws a line of a stated width, and says of one without that it has no area', async () => {
    const line = {
      label: 'scratch',
      points: [
        [2, 5],
        [12, 5],
      ],
      shape_type: 'linestrip',
    };
    const widths = [
      { width: 4 },
      { flags: { line_width: '4' } },
      { attributes: { thickness: 4 } },
      { description: 'width: 4' },
    ];
    for (const more of widths) {
      const { image } = await read([{ ...line, ...more }]);
      expect(image?.objects).toEqual([['scratch', 52, [0, 3, 14, 7]]]);
    }
    const { image, remarks } = await read([
      line,
      { label: 'seed', points: [[1, 1]], shape_type: 'point' },
      {
        label: 'a',
        points: [
          [8, 8],
          [12, 8],
          [12, 12],
        ],
      },
    ]);
    expect(image?.objects.map(([name]) => name)).toEqual(['a']);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice .*shapes\[0\] \(scratch\): a linestrip without a width has no area/),
      expect.stringMatching(/^notice .*shapes\[1\] \(seed\): a point has no area/),
    ]);
    expect((await read([line])).image).toBe(null);
  });

  it('belongs to the image of its own name, also where it names another one', async () => {
    const square = [
      [1, 1],
      [5, 1],
      [5, 3],
      [1, 3],
    ];
    const shapes = [{ label: 'a', points: square }];
    const { images, remarks } = await understoodDrop({
      'set/p.png': IMAGE,
      'set/q.png': IMAGE,
      'set/p.json': json(shapes, { imagePath: 'old.png' }),
      'set/q.json': json(shapes, { imagePath: 'p.png' }),
    });
    expect(Object.values(images).map((each) => each?.objects.length)).toEqual([1, 1]);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-image-renamed set\/q.json: .*set\/q.png, not p.png/),
    ]);
    const elsewhere = await understoodDrop({
      'set/images/p.png': IMAGE,
      'set/json/1.json': json(shapes, { imagePath: '../images/p.png' }),
    });
    expect([elsewhere.images['set/images/p.png']?.objects.length, elsewhere.remarks]).toEqual([1, []]);
  });

  it('joins shapes of one group, and ignores what is marked so', async () => {
    const square = (x: number) => [
      [x, 1],
      [x + 2, 1],
      [x + 2, 3],
      [x, 3],
    ];
    const { image } = await read([
      { label: 'a', points: square(1), group_id: 3 },
      { label: 'a', points: square(8), group_id: 3 },
      { label: 'b', points: square(12), group_id: 3 },
      { label: '__ignore__', points: square(16) },
    ]);
    expect(image).toEqual({
      objects: [
        ['a', 8, [1, 1, 10, 3]],
        ['b', 4, [12, 1, 14, 3]],
      ],
      ignored: 4,
    });
  });

  it('takes the image out of the file when it is not beside it', async () => {
    const shapes = [
      {
        label: 'a',
        points: [
          [1, 1],
          [5, 1],
          [5, 3],
          [1, 3],
        ],
      },
    ];
    const file = json(shapes, { imageData: base64(IMAGE), imagePath: '..\\photos\\x.png' });
    const { images, remarks } = await understoodDrop({ 'set/q.json': file, 'set/r.json': file });
    const object = { objects: [['a', 8, [1, 1, 5, 3]]], ignored: 0 };
    expect(images).toEqual({ 'set/q.png': object, 'set/r.png': object });
    expect(remarks).toEqual([]);
    const damaged = await understoodDrop({ 'set/q.json': { ...file, imageData: '§§' } });
    expect(damaged.images).toEqual({});
  });

  it('says when all objects are boxes', async () => {
    const { remarks } = await read([
      {
        label: 'a',
        points: [
          [1, 1],
          [5, 5],
        ],
        shape_type: 'rectangle',
      },
    ]);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-rectangles set\/p.json: .*box/),
    ]);
  });

  it('leaves out what it cannot read and says which and why', async () => {
    const bad: readonly (readonly [object, RegExp])[] = [
      [
        {
          label: 'a',
          points: [
            [1, 1],
            [2, 2],
          ],
        },
        /2 points/,
      ],
      [{ label: 'a', points: [[1, 1], [2], [3, 3]] }, /coordinates is missing/],
      [
        {
          label: 'a',
          points: [
            [1, 1],
            ['x', 1],
            [3, 3],
          ],
        },
        /coordinates is "x"/,
      ],
      [{ label: 'a', points: 7 }, /points are no list/],
      [
        {
          label: 7,
          points: [
            [1, 1],
            [2, 2],
            [3, 1],
          ],
        },
        /label/,
      ],
      [{ label: 'a', points: [[1, 1]], shape_type: 'mask' }, /mask is missing/],
      [{ label: 'a', points: [[1, 1]], shape_type: 'mask', mask: btoa('nothing') }, /mask cannot be read/],
    ];
    for (const [shape, reason] of bad) {
      const { image, remarks } = await read([shape]);
      expect(image).toBe(null);
      expect(remarks).toEqual([expect.stringMatching(reason)]);
      expect(remarks[0]).toMatch(/^refused data\/annotation-object set\/p.json: .*shapes\[0\]/);
    }
  });

  it('says once what holds for many files', async () => {
    const point = [{ label: 'a', points: [[1, 1]], shape_type: 'point' }];
    const names = Array.from({ length: 9 }, (_, i) => `p${i}`);
    const { remarks } = await understoodDrop(
      Object.fromEntries(
        names.flatMap((name) => [
          [`${name}.png`, IMAGE],
          [`${name}.json`, json(point, { imagePath: `${name}.png` })],
        ]),
      ),
    );
    expect(remarks).toEqual([
      expect.stringMatching(
        /p0.json: .* has no area. The same holds for 8 other files: p1.json, p2.json, p3.json and 5 more\.$/,
      ),
    ]);
  });
});
