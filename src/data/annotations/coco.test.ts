import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const square = (x: number, y: number, side: number) => [x, y, x + side, y, x + side, y + side, x, y + side];

interface Entry {
  readonly segmentation?: unknown;
  readonly [field: string]: unknown;
}

/** A COCO file of one image of 20 × 16 pixels with the categories 3 (leaf) and 7 (stem). */
const set = (annotations: readonly unknown[], images: readonly unknown[] = [{}]) => ({
  images: images.map((image, i) => ({
    id: i + 1,
    file_name: `${i}.png`,
    width: 20,
    height: 16,
    ...(image as object),
  })),
  annotations,
  categories: [
    { id: 7, name: 'stem' },
    { id: 3, name: 'leaf' },
  ],
});

const entry = (fields: Entry) => ({ id: 1, image_id: 1, category_id: 3, iscrowd: 0, ...fields });

async function read(
  json: unknown,
  images: Readonly<Record<string, Uint8Array>> = { 'set/images/0.png': blankPng(20, 16) },
) {
  return understoodDrop({ ...images, 'set/coco.json': json });
}

const first = async (json: unknown) => {
  const { images, remarks } = await read(json);
  return { image: images['set/images/0.png'], remarks };
};

describe('COCO', () => {
  it('reads polygons with their classes, the smaller object on top', async () => {
    const json = set([
      entry({ segmentation: [square(12, 2, 5)], category_id: 7 }),
      entry({ segmentation: [square(2, 2, 6)] }),
      entry({ segmentation: [square(3, 3, 1)], category_id: 7 }),
    ]);
    expect(await first(json)).toEqual({
      image: {
        objects: [
          ['leaf', 35, [2, 2, 8, 8]],
          ['stem', 25, [12, 2, 17, 7]],
          ['stem', 1, [3, 3, 4, 4]],
        ],
        ignored: 0,
      },
      remarks: [],
    });
  });

  it('takes several polygons of an annotation for one object, whichever way they turn', async () => {
    const reversed = [1, 5, 5, 5, 5, 1, 1, 1];
    const json = set([entry({ segmentation: [square(2, 2, 4), reversed, square(10, 10, 2)] })]);
    expect((await first(json)).image?.objects).toEqual([['leaf', 16 + 7 + 4, [1, 1, 12, 12]]]);
  });

  it('takes coordinates from 0 to 1 as shares of width and height, and says so; pixels stay pixels', async () => {
    const shares = set([
      entry({ segmentation: [[0.1, 0.125, 0.4, 0.125, 0.4, 0.5, 0.1, 0.5]] }),
      entry({ segmentation: [[0.5, 0.5, 1, 0.5, 1, 1, 0.5, 1]], category_id: 7 }),
    ]);
    const { image, remarks } = await first(shares);
    expect(image?.objects).toEqual([
      ['stem', 80, [10, 8, 20, 16]],
      ['leaf', 36, [2, 2, 8, 8]],
    ]);
    expect(remarks).toEqual([expect.stringMatching(/^notice data\/annotation-shares .* from 0 to 1/)]);
    // One whole pixel, the first; and outlines beside one that leaves it.
    const pixel = await first(set([entry({ segmentation: [square(0, 0, 1)] })]));
    expect(pixel.image?.objects).toEqual([['leaf', 1, [0, 0, 1, 1]]]);
    const mixed = set([
      entry({ segmentation: [square(0.25, 0.25, 0.7)] }),
      entry({ segmentation: [square(2, 2, 4)] }),
    ]);
    expect((await first(mixed)).image?.objects).toContainEqual(['leaf', 16, [2, 2, 6, 6]]);
  });

  it('reads run lengths as numbers and as text, by columns', async () => {
    const size = [16, 20];
    const json = set([
      entry({ segmentation: { size, counts: [16 * 3 + 2, 4, 12, 4, 250] } }),
      // 16 · 10 + 1 = 161 background pixels, then 2: as text 161 is Q5, 2 is 2.
      entry({ segmentation: { size, counts: 'Q52' }, category_id: 7 }),
    ]);
    expect(await first(json)).toEqual({
      image: {
        objects: [
          ['leaf', 8, [3, 2, 5, 6]],
          ['stem', 2, [10, 1, 11, 3]],
        ],
        ignored: 0,
      },
      remarks: [],
    });
  });

  it('ignores the pixels of a crowd, but for those of objects, and says so', async () => {
    const json = set([
      entry({ segmentation: [square(2, 2, 4)] }),
      entry({ segmentation: { size: [16, 20], counts: [0, 80, 240] }, iscrowd: 1 }),
    ]);
    const { image, remarks } = await first(json);
    expect(image).toEqual({ objects: [['leaf', 16, [2, 2, 6, 6]]], ignored: 80 - 12 });
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-crowd .* 1 of its annotations .*crowd/),
    ]);
  });

  it('ignores one crowd in each image where there is nothing else, as what takes no part', async () => {
    const all = { size: [16, 20], counts: [160, 80, 80] };
    const { image } = await first(set([entry({ segmentation: all, iscrowd: 1 })]));
    expect(image).toEqual({ objects: [], ignored: 80 });
  });

  it.each([
    ['of CVAT', { attributes: { occluded: false } }, 0],
    ['of nothing but crowds', {}, 1],
  ])('takes crowds %s for the objects that they are, and says so', async (_, fields, iscrowd) => {
    const json = set([
      entry({ segmentation: [square(2, 2, 4)], iscrowd, ...fields }),
      entry({ segmentation: { size: [16, 20], counts: [160, 80, 80] }, iscrowd: 1, ...fields }),
    ]);
    const { image, remarks } = await first(json);
    expect(image).toEqual({
      objects: [
        ['leaf', 80, [10, 0, 15, 16]],
        ['leaf', 16, [2, 2, 6, 6]],
      ],
      ignored: 0,
    });
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-crowd .* each is taken as an object/),
    ]);
  });

  it('refuses boxes alone, and ignores the pixels of boxes among outlines', async () => {
    const box = entry({ bbox: [0, 0, 5, 4] });
    const alone = await first(set([box, box]));
    expect(alone.image).toBe(null);
    expect(alone.remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-boxes set\/coco.json: 2 .* box/),
    ]);
    const mixed = await first(set([box, entry({ segmentation: [square(3, 3, 4)] })]));
    expect(mixed.image).toEqual({ objects: [['leaf', 16, [3, 3, 7, 7]]], ignored: 20 - 2 });
    expect(mixed.remarks).toEqual([expect.stringMatching(/^notice data\/annotation-boxes .*ignored/)]);
  });

  it('says of captions and of key points alone that they are these', async () => {
    const captions = await first(set([{ id: 1, image_id: 1, caption: 'a leaf' }]));
    expect(captions.image).toBe(null);
    expect(captions.remarks).toEqual([expect.stringMatching(/^refused .*: 1 of its .* captions.* where/)]);
    const points = await first(set([entry({ bbox: [0, 0, 5, 4], keypoints: [1, 1, 2], num_keypoints: 1 })]));
    expect(points.image).toBe(null);
    expect(points.remarks).toEqual([expect.stringMatching(/^refused .*: 1 of its .* key points without/)]);
    const both = entry({ keypoints: [1, 1, 2], segmentation: [square(3, 3, 4)] });
    expect((await first(set([both]))).remarks).toEqual([]);
    const mixed = await first(set([both, { id: 2, image_id: 1, caption: 'a leaf' }]));
    expect(mixed.remarks).toEqual([expect.stringMatching(/^notice .* captions.* left out/)]);
  });

  it('keeps an image without annotations as one without objects', async () => {
    expect((await first(set([]))).image).toEqual({ objects: [], ignored: 0 });
  });

  it('names the images that are not there, and those named by address', async () => {
    const images = [
      {},
      { file_name: 'lost.jpg' },
      { file_name: 'http://host/b.jpg?x=1' },
      { file_name: '../../etc/c.jpg' },
    ];
    const { remarks } = await read(set([], images));
    expect(remarks).toEqual([
      expect.stringMatching(
        /^notice data\/annotation-image-missing .*2 images .*lost\.jpg, \.\.\/\.\.\/etc\/c\.jpg/,
      ),
      expect.stringMatching(/^notice data\/annotation-image-address .*http:\/\/host\/b\.jpg/),
    ]);
    const none = await read(set([], [{ file_name: 'lost.jpg' }]));
    expect(none.remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-image-missing .*lost\.jpg/),
    ]);
  });

  it('finds images by folders, by their name alone, and in whatever case and form', async () => {
    const image = blankPng(20, 16);
    const names = ['train/1.png', 'val/1.png', 'other/MÜLLER.PNG', 'C:\\data\\deep.png', 'x/gone.png'];
    const drop = {
      'set/train/1.png': image,
      'set/val/1.png': image,
      'set/images/mu\u0308ller.png': image,
      'set/images/deep.png': image,
    };
    const json = set(
      names.map((_, i) => entry({ image_id: i + 1, segmentation: [square(0, 0, i + 1)] })),
      names.map((name) => ({ file_name: name })),
    );
    const { images, remarks } = await read(json, drop);
    const areas = Object.fromEntries(
      Object.entries(images).map(([path, each]) => [path, each?.objects[0]?.[1]]),
    );
    expect(areas).toEqual({
      'set/train/1.png': 1,
      'set/val/1.png': 4,
      'set/images/mu\u0308ller.png': 9,
      'set/images/deep.png': 16,
    });
    expect(remarks.filter((text) => text.includes('annotation'))).toEqual([
      expect.stringContaining('x/gone.png'),
    ]);
  });

  it('finds images of another extension by their stem, unless another is named that is there', async () => {
    const images = { 'set/images/0.png': blankPng(20, 16) };
    const named = set(
      [entry({ segmentation: [square(2, 2, 6)] }), entry({ segmentation: [square(9, 2, 3)], image_id: 2 })],
      [{ file_name: '0.jpg' }, { file_name: 'b/1.jpg' }],
    );
    const alone = await read(named, images);
    expect(alone.images['set/images/0.png']?.objects).toEqual([['leaf', 36, [2, 2, 8, 8]]]);
    expect(alone.remarks.join()).toMatch(/image-extension .*images\/0.png for 0.jpg/);
    const both = set(
      [entry({ segmentation: [square(2, 2, 6)] }), entry({ segmentation: [square(9, 2, 3)], image_id: 2 })],
      [{ file_name: '0.jpg' }, { file_name: '0.png' }],
    );
    const { images: found, remarks } = await read(both, images);
    expect(found['set/images/0.png']?.objects).toEqual([['leaf', 9, [9, 2, 12, 5]]]);
    expect(remarks).toEqual([expect.stringMatching(/annotation-image-missing .*: 0.jpg/)]);
  });

  it('finds images by address alone, as LVIS has them', async () => {
    const url = 'http://images.cocodataset.org/train2017/0.png';
    const json = set([entry({ segmentation: [square(2, 2, 6)] })], [{ file_name: undefined, coco_url: url }]);
    const { image, remarks } = await first(json);
    expect(image?.objects).toEqual([['leaf', 36, [2, 2, 8, 8]]]);
    expect(remarks).toEqual([]);
  });

  it('of images of one name in several splits takes that of its own', async () => {
    const image = blankPng(20, 16);
    const ofSide = (side: number) => set([entry({ segmentation: [square(0, 0, side)] })]);
    const { images, remarks } = await understoodDrop({
      'set/train2017/0.png': image,
      'set/val2017/0.png': image,
      'set/annotations/instances_train2017.json': ofSide(3),
      'set/annotations/instances_val2017.json': ofSide(5),
    });
    const areas = Object.values(images).map((each) => each?.objects[0]?.[1]);
    expect([areas, remarks]).toEqual([[9, 25], []]);
  });

  it('uses none of several images that a name may mean', async () => {
    const image = blankPng(20, 16);
    const { images, remarks } = await read(set([entry({ segmentation: [square(0, 0, 3)] })]), {
      'set/a/0.png': image,
      'set/b/0.png': image,
    });
    expect(Object.values(images)).toEqual([null, null]);
    expect(remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-image-ambiguous .*set\/a\/0.png, set\/b\/0.png/),
    ]);
  });

  it('scales to an image of the same aspect and refuses another', async () => {
    const json = set([entry({ segmentation: [square(2, 2, 4)] })]);
    const scaled = await read(json, { 'set/0.png': blankPng(40, 32) });
    expect(scaled.images['set/0.png']?.objects).toEqual([['leaf', 64, [4, 4, 12, 12]]]);
    expect(scaled.remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-scaled .*20 × 16 .*40 × 32/),
    ]);
    const other = await read(json, { 'set/0.png': blankPng(40, 40) });
    expect(other.images['set/0.png']).toBe(null);
    expect(other.remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-size .*20 × 16 .*40 × 40/),
    ]);
  });

  it('cuts objects at the edge of the image, and names those that have no pixel there', async () => {
    const { image, remarks } = await first(
      set([entry({ segmentation: [square(-3, -3, 5)] }), entry({ segmentation: [square(50, 50, 5)] })]),
    );
    expect(image?.objects).toEqual([['leaf', 4, [0, 0, 2, 2]]]);
    expect(remarks).toEqual([expect.stringMatching(/^notice data\/annotation-no-pixels .*object 2, leaf/)]);
  });

  it('takes an image that none of its objects has a pixel in for one that is not labelled', async () => {
    const { image, remarks } = await first(set([entry({ segmentation: [square(50, 50, 5)] })]));
    expect(image).toBe(null);
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-outside .*images\/0.png/)]);
  });

  it('says when more than a tenth of an object is hidden', async () => {
    const { image, remarks } = await first(
      set([entry({ segmentation: [square(0, 0, 10)] }), entry({ segmentation: [square(5, 5, 6)] })]),
    );
    expect(image?.objects.map(([, area]) => area)).toEqual([75, 36]);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-hidden .*object 1, leaf: 25 of 100 pixels/),
    ]);
  });

  it('leaves out what it cannot read and says which and why', async () => {
    const good = entry({ segmentation: [square(1, 1, 2)] });
    const bad: readonly (readonly [Entry, RegExp])[] = [
      [{ segmentation: [[1, 1, 2]] }, /3 coordinates, an odd number/],
      [{ segmentation: [[1, 1, 2, 2]] }, /2 points/],
      [{ segmentation: [[1, 1, 2, null, 3, 3]] }, /coordinates is null/],
      [{ segmentation: [[1, 1, 2, 1e300, 3, 3]] }, /coordinates is 1e\+300/],
      [{ segmentation: [['a', 1, 2, 2, 3, 3]] }, /coordinates is "a"/],
      [{ segmentation: 'outline' }, /run lengths are not as COCO/],
      [{ segmentation: { size: [16, 20], counts: [0, 400] } }, /more than its 320 pixels/],
      [{ segmentation: { size: [16, 20], counts: [0, 4.5] } }, /length 2 is 4.5/],
      [{ segmentation: { size: [16, 20], counts: 'é' } }, /text of its run lengths is damaged/],
      [{ segmentation: { size: [1e9, 1e9], counts: [0, 1e18] } }, /size/],
      [{ segmentation: [square(1, 1, 2)], image_id: 99 }, /image_id is that of no image/],
      [{ segmentation: [square(1, 1, 2)], image_id: {} }, /image_id/],
    ];
    for (const [fields, reason] of bad) {
      const { image, remarks } = await first(set([entry(fields), good]));
      expect(image?.objects).toEqual([['leaf', 4, [1, 1, 3, 3]]]);
      expect(remarks).toEqual([expect.stringMatching(reason)]);
      expect(remarks[0]).toMatch(/^notice data\/annotation-object set\/coco.json: .*annotations\[0\]/);
    }
  });

  it('says of the panoptic form that it is that', async () => {
    const segments = { image_id: 1, file_name: '0.png', segments_info: [{ id: 5, category_id: 3 }] };
    const { image, remarks } = await first(set([segments]));
    expect(image).toBe(null);
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-panoptic .*panoptic/)]);
  });

  it('refuses what is no COCO file at all, or only a part of one', async () => {
    const text = JSON.stringify(set([entry({ segmentation: [square(1, 1, 2)] })]));
    expect((await first(text.slice(0, -20))).remarks).toEqual([
      expect.stringMatching(
        /^refused data\/annotation-damaged set\/coco.json: This JSON is damaged or incomplete/,
      ),
    ]);
    expect((await first({ images: [{ id: 1 }], annotations: [] })).remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-damaged .*images.0.file_name/),
    ]);
    expect((await first({ some: 'thing' })).remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-unknown set\/coco.json/),
    ]);
  });

  it('stays quick when outlines are absurdly many', async () => {
    const zigzag = Array.from({ length: 8000 }, (_, i) => (i % 4 === 3 ? 8000 : i % 2 === 0 ? i % 16 : 0));
    const json = set([entry({ segmentation: [zigzag] })], [{ width: 16, height: 8000 }]);
    const { images, remarks } = await read(json, { 'set/0.png': blankPng(16, 8000) });
    expect(images).toEqual({ 'set/0.png': null });
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-too-much/)]);
  });
});
