import { describe, expect, it } from 'vitest';
import { Random } from '../../config/random.ts';
import { blankPng } from '../../testing/understood-drop.ts';
import type { LazyFile } from '../lazy-file.ts';
import { readAnnotations } from './read-annotations.ts';

const IMAGE = blankPng(20, 16);
const RING = [
  [1, 1],
  [6, 1],
  [6, 5],
  [1, 5],
];

/** A small good file of each format, whose image is a.png. */
const GOOD: Readonly<Record<string, string>> = {
  'coco.json': JSON.stringify({
    images: [{ id: 1, file_name: 'a.png', width: 20, height: 16 }],
    annotations: [
      { id: 1, image_id: 1, category_id: 2, segmentation: [RING.flat()], iscrowd: 0, bbox: [1, 1, 5, 4] },
      {
        id: 2,
        image_id: 1,
        category_id: 2,
        segmentation: { size: [16, 20], counts: [4, 5, 9, 3] },
        iscrowd: 1,
      },
      { id: 3, image_id: 1, category_id: 2, segmentation: { size: [16, 20], counts: '52Q5' } },
    ],
    categories: [{ id: 2, name: 'leaf' }],
  }),
  'labelme.json': JSON.stringify({
    shapes: [
      { label: 'a', points: RING, shape_type: 'polygon' },
      {
        label: 'b',
        points: [
          [8, 8],
          [9, 9],
        ],
        shape_type: 'circle',
      },
      {
        label: 'c',
        points: [
          [1, 8],
          [9, 9],
        ],
        shape_type: 'line',
        width: 3,
      },
    ],
    imagePath: 'a.png',
    imageHeight: 16,
    imageWidth: 20,
  }),
  'tasks.json': JSON.stringify([
    {
      id: 1,
      data: { image: 'a.png' },
      annotations: [
        {
          result: [
            {
              type: 'polygonlabels',
              original_width: 20,
              original_height: 16,
              value: { points: RING, polygonlabels: ['x'] },
            },
            {
              type: 'brushlabels',
              original_width: 20,
              original_height: 16,
              value: { rle: [0, 0, 5, 0, 57, 187, 128], brushlabels: ['x'] },
            },
          ],
        },
      ],
    },
  ]),
  'a.geojson': JSON.stringify({
    type: 'FeatureCollection',
    features: [{ type: 'Feature', geometry: { type: 'Polygon', coordinates: [RING] }, properties: {} }],
  }),
  'via.json': JSON.stringify({
    'a.png1': {
      filename: 'a.png',
      regions: [
        {
          shape_attributes: { name: 'rect', x: 1, y: 1, width: 4, height: 4 },
          region_attributes: { k: 'v' },
        },
      ],
    },
  }),
  'cvat.xml': `<annotations><image id="0" name="a.png" width="20" height="16"><polygon label="x" points="1,1;6,1;6,5"/>
    <mask label="y" rle="2, 3, 4" left="2" top="2" width="3" height="3"/></image></annotations>`,
  'a.xml': `<Annotations MicronsPerPixel="0.25"><Annotation Id="1" Name=""><Attributes><Attribute Name="Description" Value=""/></Attributes>
    <Regions><Region Id="1" Type="0" NegativeROA="0"><Vertices><Vertex X="1" Y="1" Z="0"/><Vertex X="9" Y="1"/><Vertex X="9" Y="9"/></Vertices></Region>
    <Region Id="2" Type="2" NegativeROA="0"><Vertices><Vertex X="11" Y="1"/><Vertex X="15" Y="5"/></Vertices></Region></Regions></Annotation></Annotations>`,
  'asap/a.xml': `<ASAP_Annotations><Annotations><Annotation Name="x" Type="Polygon" PartOfGroup="Tumor"><Coordinates><Coordinate Order="0" X="1" Y="1"/>
    <Coordinate Order="1" X="9" Y="1"/><Coordinate Order="2" X="9" Y="9"/></Coordinates></Annotation></Annotations></ASAP_Annotations>`,
  'a.png.json': JSON.stringify({
    description: '',
    tags: [],
    size: { height: 16, width: 20 },
    objects: [
      { classTitle: 'x', geometryType: 'polygon', points: { exterior: RING, interior: [] } },
      { classTitle: 'y', geometryType: 'bitmap', bitmap: { data: 'eJwDAAAAAAE=', origin: [1, 1] } },
    ],
  }),
  'ade.json': JSON.stringify({
    annotation: {
      filename: 'a.png',
      imsize: [16, 20, 3],
      object: [
        { name: 'tree', parts: { part_level: 0 }, polygon: { x: [1, 6, 6], y: [1, 1, 5] } },
        { name: 'leaf', parts: { part_level: 1 }, polygon: { x: [1, 2, 2], y: [1, 1, 2] } },
      ],
    },
  }),
  'polygons.jsonl': `${JSON.stringify({ id: 'a', annotations: [{ type: 'cell', coordinates: [RING] }] })}\n`,
  'a.txt': '0 0.1 0.1 0.4 0.1 0.4 0.5\n1 0.5 0.5 0.7 0.5 0.7 0.8 0.5 0.8\n',
  'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:250,50,83::\n',
  'sa_1.json': JSON.stringify({
    image: { image_id: 1, file_name: 'a.png', width: 20, height: 16 },
    annotations: [
      { id: 1, bbox: [1, 1, 5, 4], segmentation: { size: [16, 20], counts: '52Q5' }, point_coords: [[1, 1]] },
      { id: 2, segmentation: { size: [16, 20], counts: [40, 5, 9, 3] } },
    ],
  }),
  'train.csv': 'ImageId,EncodedPixels\na.png,33 4 49 4 65 4\na.png,18 3\nb.png,\n',
  'cells.csv': 'id,annotation,width,height\na,25 4 45 4 65 4,20,16\na,8 2,20,16\n',
  'a_shapes.csv':
    'index,shape-type,vertex-index,axis-0,axis-1\n0,polygon,0,1,1\n0,polygon,1,1,9\n0,polygon,2,9,9\n1,ellipse,0,9,1\n1,ellipse,1,9,5\n1,ellipse,2,13,5\n1,ellipse,3,13,1\n',
  'id2label.json': '{"0": "background", "1": "leaf", "2": "stem"}',
  'via.csv':
    'filename,region_shape_attributes,region_attributes\na.png,"{""name"":""circle"",""cx"":4,""cy"":4,""r"":2}","{}"\n',
};

/** Those that name classes of masks and say nothing of objects. */
const ONLY_NAMES = ['labelmap.txt', 'id2label.json'];

const file = (path: string, bytes: Uint8Array): LazyFile => ({
  path,
  size: bytes.length,
  bytes: async () => bytes,
});

/** Reads one annotation file beside its image, and everything that was drawn. */
async function read(name: string, bytes: Uint8Array) {
  const drop = [file('a.png', IMAGE), file(name, bytes)];
  const annotations = await readAnnotations(new Map(drop.map((each) => [each.path, each])));
  const masks = [...annotations.masks.values()].flatMap(({ instances, labels }) => [
    instances,
    ...(labels ? [labels] : []),
  ]);
  for (const mask of masks) await mask.bytes();
  return annotations;
}

const VALUES = [
  'null',
  '-1',
  '1e9',
  '1e308',
  '0.5',
  '"x"',
  '[]',
  '{}',
  'true',
  '99999999999999999999',
  '""',
  '\u0000',
  'NaN',
];

/** Cuts, doubles, exchanges or overwrites a piece of a text. */
function mutated(text: string, random: Random): string {
  const at = random.integer(text.length);
  const length = 1 + random.integer(12);
  const other = VALUES[random.integer(VALUES.length)] ?? '';
  switch (random.integer(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + text.slice(at, at + length).repeat(3) + text.slice(at + length);
    case 3:
      return text.slice(0, at) + String.fromCharCode(random.integer(256)) + text.slice(at + 1);
    default: {
      const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?|"[^"]*"/g)];
      const one = numbers[random.integer(Math.max(1, numbers.length))];
      return one ? text.slice(0, one.index) + other + text.slice(one.index + one[0].length) : text;
    }
  }
}

describe('annotation files that are damaged anyhow', () => {
  it.each(Object.keys(GOOD))('reads a good %s, and mutations of it without throwing', async (name) => {
    const text = GOOD[name] ?? '';
    const good = await read(name, new TextEncoder().encode(text));
    expect(good.refusals.filter(({ severity }) => severity === 'refused')).toEqual([]);
    expect(good.masks.size).toBe(ONLY_NAMES.includes(name) ? 0 : 1);
    const random = Random.fromSeed(11, name);
    for (let round = 0; round < 60; round++) {
      let bad = text;
      for (let times = 1 + random.integer(3); times > 0 && bad !== ''; times--) bad = mutated(bad, random);
      const { refusals, used } = await read(name, new TextEncoder().encode(bad));
      for (const { file: path, reason, cure } of refusals) {
        expect([path, reason.length > 10 && reason.length < 600, cure.length > 10]).toEqual([
          path,
          true,
          true,
        ]);
        // What a JSON holds as a whole can only be used or refused.
        expect(path.startsWith('a.png') || used.has(path) || used.has(path.replace(/\/[^/]*$/, ''))).toBe(
          true,
        );
      }
    }
  });

  it('says of files without an end what they are', async () => {
    const encode = (text: string) => new TextEncoder().encode(text);
    const deep = await read('deep.json', encode('['.repeat(100_000)));
    expect(deep.refusals).toMatchObject([{ code: 'data/annotation-damaged' }]);
    const nested = `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":${'{"type":"GeometryCollection","geometries":['.repeat(5000)}${']}'.repeat(5000)}}]}`;
    expect((await read('nested.geojson', encode(nested))).refusals).toMatchObject([
      { code: 'data/annotation-object' },
    ]);
    const empty = await read('empty.json', new Uint8Array());
    expect(empty.refusals).toMatchObject([{ code: 'data/annotation-damaged' }]);
  });

  it('does not read a file that is too large to be one', async () => {
    const huge: LazyFile = {
      path: 'huge.json',
      size: 2 ** 32,
      bytes: () => Promise.reject(new Error('read')),
    };
    const { refusals } = await readAnnotations(new Map([['huge.json', huge]]));
    expect(refusals).toMatchObject([{ code: 'data/too-large', file: 'huge.json' }]);
  });
});
