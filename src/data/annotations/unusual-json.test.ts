import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 10);
const square = (x: number) => [x, 2, x + 3, 2, x + 3, 5, x, 5];
const coco = (more: object = {}, annotation: object = {}) => ({
  images: [{ id: 1, file_name: 'a.png', width: 20, height: 10 }],
  categories: [{ id: 1, name: 'cell' }],
  annotations: [1, 8].map((x, i) => ({
    id: i,
    image_id: 1,
    category_id: 1,
    iscrowd: 0,
    segmentation: [square(x)],
    ...annotation,
  })),
  ...more,
});
const text = (json: unknown) => JSON.stringify(json);

/** The objects of one image beside a file. */
async function read(content: unknown, image = 'a.png', name = 'annotations.json') {
  const { images, remarks } = await understoodDrop({ [`set/${image}`]: IMAGE, [`set/${name}`]: content });
  return { objects: images[`set/${image}`]?.objects, remarks };
}
/** What {@link coco} is read as. */
const plain = await read(text(coco()));

describe('JSON as programs write it', () => {
  const encoded = (order: 'le' | 'be') => {
    const units = Uint16Array.from(`\ufeff${text(coco())}`, (character) => character.charCodeAt(0));
    const bytes = new Uint8Array(units.buffer);
    return order === 'le' ? bytes : bytes.map((_, i) => bytes[i ^ 1] ?? 0);
  };
  it.each<[string, unknown]>([
    ['in UTF-8 with a mark', `\ufeff${text(coco())}`],
    ['in UTF-16, as PowerShell writes it', encoded('le')],
    ['in UTF-16 of the other order', encoded('be')],
    [
      'with NaN and Infinity, as Python writes them',
      text(coco({}, { area: 'X', bbox: ['X', 'X', 'X', 'X'] }))
        .replaceAll('"X"', 'NaN')
        .replace('NaN', '-Infinity'),
    ],
    ['with annotations by their number, as LIVECell', text(coco({ annotations: { ...coco().annotations } }))],
  ])('%s', async (_, content) => {
    expect(plain.objects).toHaveLength(2);
    expect(await read(content)).toEqual(plain);
  });

  it('and names of images as in an address', async () => {
    const images = [{ id: 1, file_name: 'my%20image%281%29.png', width: 20, height: 10 }];
    const { objects, remarks } = await read(text(coco({ images })), 'my image(1).png');
    expect(objects).toEqual(plain.objects);
    expect(remarks).toEqual([]);
  });

  it('but a name with % of its own is that of its image', async () => {
    const { images } = await understoodDrop({
      'set/50%25.png': IMAGE,
      'set/50%.png': IMAGE,
      'set/a.json': text(coco({ images: [{ id: 1, file_name: '50%25.png', width: 20, height: 10 }] })),
    });
    expect(images['set/50%.png']).toBeNull();
    expect(images['set/50%25.png']?.objects).toEqual(plain.objects);
  });

  it('is no JSON where it is none with these as null either', async () => {
    const { remarks } = await read(`${text(coco())} NaN`);
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-damaged/)]);
  });
});

it('faults that differ in numbers alone are said once', async () => {
  const annotations = [1, 8, 12].map((x, id) => ({
    id,
    image_id: 1,
    category_id: 1,
    segmentation: [square(x).map(String)],
  }));
  const { remarks } = await read(text(coco({ annotations })));
  expect(remarks).toEqual([
    expect.stringMatching(/3 objects, the first being annotations\[0\]: one of its coordinates is "1"/),
  ]);
});

it('boxes of CreateML are named, and no tasks of Label Studio', async () => {
  for (const first of [[], [{ label: 'cell', coordinates: { x: 4, y: 4, width: 3, height: 3 } }]]) {
    const json = [
      { image: 'a.png', annotations: first },
      { image: 'b.png', annotations: [{ label: 'cell', coordinates: { x: 4, y: 4, width: 3, height: 3 } }] },
    ];
    const { remarks } = await read(text(json), 'a.png', '_annotations.createml.json');
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-unknown .*CreateML/)]);
  }
});
