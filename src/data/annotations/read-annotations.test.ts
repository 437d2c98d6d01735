import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { loadSample } from '../dataset.ts';
import { DatasetStore } from '../dataset-store.ts';
import { encodeMaskPng } from '../encode-png.ts';
import { inspectDataset } from '../inspect.ts';
import { MemoryStore } from '../memory-store.ts';
import { IGNORED } from '../objects.ts';
import { readDatasets } from '../read-datasets.ts';
import { writeZip } from '../zip.ts';

const IMAGE = blankPng(20, 16);

const coco = (
  images: readonly object[],
  annotations: readonly object[],
  names: readonly string[] = ['leaf'],
) => ({
  images: images.map((image, i) => ({ id: i, ...image })),
  annotations: annotations.map((each, i) => ({ id: i, image_id: 0, category_id: 1, ...each })),
  categories: names.map((name, i) => ({ id: i + 1, name })),
});

const square = (x: number, y: number, side: number) => [[x, y, x + side, y, x + side, y + side, x, y + side]];

describe('images that EXIF turns', () => {
  const vectors: { name: string; file: string }[] = JSON.parse(
    readFileSync(new URL('../../../tests/vectors/images/images.json', import.meta.url), 'utf8'),
  );
  const turned = vectors.filter(({ name }) => /orientation [5-8]$/.test(name) && !name.startsWith('jpeg'));
  // Where the first stored pixel of 6 × 4 is seen on the upright image of 4 × 6.
  const seen = { 5: [0, 0, 1, 1], 6: [3, 0, 4, 1], 7: [3, 5, 4, 6], 8: [0, 5, 1, 6] };

  it.each(turned)('are annotated upright or as stored, by their size: $name', async ({ name, file }) => {
    const image = new Uint8Array(Buffer.from(file, 'base64'));
    const extension = name.split(' ')[0] === 'tiff' ? 'tif' : (name.split(' ')[0] ?? '');
    const orientation = Number(name.at(-1)) as keyof typeof seen;
    const boxes = async (width: number, height: number) => {
      const json = coco(
        [{ file_name: `a.${extension}`, width, height }],
        [{ segmentation: square(0, 0, 1) }],
      );
      const { images, remarks } = await understoodDrop({ [`a.${extension}`]: image, 'c.json': json });
      expect(remarks).toEqual([]);
      return images[`a.${extension}`]?.objects.map(([, , box]) => box);
    };
    expect(await boxes(4, 6)).toEqual([[0, 0, 1, 1]]);
    expect(await boxes(6, 4)).toEqual([seen[orientation]]);
  });
});

describe('several annotation files', () => {
  it('share the numbers of classes by name, and zips dropped together are one drop', async () => {
    const json = await writeZip({
      'annotations/instances_train.json': new TextEncoder().encode(
        JSON.stringify(coco([{ file_name: 'a.png' }], [{ segmentation: square(1, 1, 3) }], ['leaf', 'stem'])),
      ),
      'annotations/instances_val.json': new TextEncoder().encode(
        JSON.stringify(coco([{ file_name: 'b.png' }], [{ segmentation: square(1, 1, 2) }], ['stem', 'leaf'])),
      ),
    });
    const photos = await writeZip({ 'a.png': IMAGE, 'b.png': IMAGE });
    const { images, remarks } = await understoodDrop({ 'annotations.zip': json, 'images.zip': photos });
    expect(images).toEqual({
      'images.zip/a.png': { objects: [['leaf', 9, [1, 1, 4, 4]]], ignored: 0 },
      'images.zip/b.png': { objects: [['stem', 4, [1, 1, 3, 3]]], ignored: 0 },
    });
    expect(remarks).toEqual([]);
  });

  it('count an object that both hold once, and are named by the first that holds any', async () => {
    const one = [{ segmentation: square(1, 1, 3) }];
    const { images, remarks } = await understoodDrop({
      'a.png': IMAGE,
      'captions_train.json': coco([{ file_name: 'a.png' }], [{ caption: 'a leaf' }]),
      'instances_train.json': coco([{ file_name: 'a.png' }], [...one, { segmentation: square(8, 8, 3) }]),
      'person_keypoints_train.json': coco([{ file_name: 'a.png' }], one),
    });
    expect(images['a.png']?.objects).toHaveLength(2);
    expect(remarks.filter((remark) => !remark.includes('captions_train.json'))).toEqual([]);
  });

  it('of two formats for one image use one and name the other', async () => {
    const labelme = {
      shapes: [
        {
          label: 'x',
          points: [
            [1, 1],
            [3, 1],
            [3, 3],
          ],
        },
      ],
      imagePath: 'a.png',
    };
    const { images, remarks } = await understoodDrop({
      'a.png': IMAGE,
      'a.json': labelme,
      'b.json': coco([{ file_name: 'a.png' }], [{ segmentation: square(1, 1, 3) }]),
    });
    expect(images['a.png']?.objects.map(([name]) => name)).toEqual(['x']);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-twice b.json: .*a.png \(a.json\)/),
    ]);
  });
});

describe('annotations among masks', () => {
  const mask = encodeMaskPng({ width: 20, height: 16, data: new Uint8Array(320).fill(1, 0, 50) });
  const json = coco([{ file_name: 'a.png' }], [{ segmentation: square(1, 1, 3) }]);

  it('replace the mask of their image, and say so', async () => {
    const drop = {
      's/images/a.png': IMAGE,
      's/images/b.png': IMAGE,
      's/masks/a.png': mask,
      's/masks/b.png': mask,
    };
    const { images, remarks } = await understoodDrop({ ...drop, 's/c.json': json });
    const areas = Object.values(images).map((each) => each?.objects.map(([, area]) => area));
    expect(areas).toEqual([[9], [50]]);
    expect(remarks).toEqual([
      expect.stringMatching(
        /^notice data\/annotation-replaces-mask s\/masks\/a.png: The mask of an image is .*s\/c.json for s\/images\/a.png/,
      ),
    ]);
  });

  it('are the same after the dataset was stored, ignored pixels included', async () => {
    const files = {
      'a.png': IMAGE,
      'c.json': coco(
        [{ file_name: 'a.png' }],
        [
          { segmentation: square(1, 1, 3) },
          { segmentation: square(3, 3, 5), category_id: 2 },
          { segmentation: { size: [16, 20], counts: [160, 32, 128] }, iscrowd: 1 },
        ],
        ['leaf', 'stem'],
      ),
    };
    const { datasets } = await readDatasets(
      Object.entries(files).map(([path, content]) => {
        const bytes =
          content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
        return { path, size: bytes.length, bytes: async () => bytes };
      }),
    );
    const [dataset] = datasets;
    if (!dataset) throw new Error('no dataset');
    const store = new DatasetStore(new MemoryStore());
    const { id } = await store.save(await inspectDataset(dataset));
    const loaded = await store.load(id);
    if (!loaded.ok) throw new Error(loaded.refusal.reason);
    expect(loaded.value.dataset.classNames).toEqual(
      new Map([
        [1, 'leaf'],
        [2, 'stem'],
      ]),
    );
    const [sample] = loaded.value.dataset.samples;
    const stored = sample && (await loadSample(sample));
    if (!stored?.ok) throw new Error('the sample cannot be loaded');
    const { objects } = stored.value;
    expect(objects.regions.map(({ area, box }) => [area, box])).toEqual([
      [24, [3, 3, 8, 8]],
      [9, [1, 1, 4, 4]],
    ]);
    expect(objects.map.filter((id) => id === IGNORED).length).toBe(32);
  });
});

describe('one annotation file', () => {
  const drop = async (paths: readonly string[], files: Readonly<Record<string, object>>) => {
    const all = [
      ...paths.map((path) => [path, IMAGE] as const),
      ...Object.entries(files).map(
        ([path, json]) => [path, new TextEncoder().encode(JSON.stringify(json))] as const,
      ),
    ];
    const { datasets } = await readDatasets(all.map(([path, bytes]) => ({ path, bytes: async () => bytes })));
    return datasets.map(({ name, samples }) => [name, ...samples.map((one) => `${one.name} ${one.split}`)]);
  };
  const ofImages = (...names: readonly string[]) =>
    coco(
      names.map((fileName) => ({ file_name: fileName })),
      names.map((_, imageId) => ({ image_id: imageId, segmentation: square(1, 1, 3) })),
    );

  it('is of one dataset, in whatever folders its images lie', async () => {
    const paths = ['s/north/a.png', 's/north/c.png', 's/south/b.png', 's/south/d.png'];
    const one = [['s', ...paths.map((path) => `${path.slice(2)} undefined`)]];
    const [a = '', c = '', b = '', d = ''] = paths;
    expect(await drop(paths, { 's/c.json': ofImages('a.png', 'b.png', 'c.png', 'd.png') })).toEqual(one);
    expect(await drop(paths, { 'c.json': ofImages(a, b, c, d) })).toEqual(one);
    const two = { 's/1.json': ofImages('a.png', 'c.png'), 's/2.json': ofImages('c.png', 'd.png') };
    expect(await drop(paths, two)).toEqual(one);
  });

  it('has the splits that folders name', async () => {
    expect(await drop(['train/a.png', 'val/b.png'], { 'c.json': ofImages('a.png', 'b.png') })).toEqual([
      ['dataset', 'train/a.png train', 'val/b.png val'],
    ]);
  });

  it('leaves apart what others are of', async () => {
    const paths = ['north/a.png', 'north/c.png', 'south/b.png', 'other/e.png'];
    expect(await drop(paths, { 'c.json': ofImages('a.png', 'b.png') })).toEqual([
      ['dataset', 'north/a.png undefined', 'north/c.png undefined', 'south/b.png undefined'],
      ['other', 'e.png undefined'],
    ]);
    const two = { 'north/c.json': ofImages('a.png', 'c.png'), 'south/c.json': ofImages('b.png') };
    expect((await drop(paths.slice(0, 3), two)).map(([name]) => name)).toEqual(['north', 'south']);
  });
});

describe('names of the classes in masks', () => {
  const data = new Int32Array(20 * 16);
  data.fill(1, 0, 40);
  data.fill(2, 100, 120);
  const indices = encodeMaskPng({ width: 20, height: 16, data });
  const names = async (files: Readonly<Record<string, unknown>>) => {
    const { images, remarks } = await understoodDrop({
      's/images/a.png': IMAGE,
      's/labels/a.png': indices,
      ...files,
    });
    expect(remarks.filter((text) => text.includes('.txt') || text.includes('.json'))).toEqual([]);
    return images['s/images/a.png']?.objects.map(([name]) => name);
  };

  it('come from labelmap.txt, label_names.txt and the dataset.json of nnU-Net', async () => {
    const labelmap =
      '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell:250,50,83::\nnucleus:51,221,255::\n';
    expect(await names({ 's/labelmap.txt': labelmap })).toEqual(['cell', 'nucleus']);
    expect(await names({ 's/label_names.txt': '_background_\ncell\nnucleus\n' })).toEqual([
      'cell',
      'nucleus',
    ]);
    expect(await names({ 's/class_names.txt': '_background_\r\ncell\r\nnucleus' })).toEqual([
      'cell',
      'nucleus',
    ]);
    const second = {
      channel_names: { 0: 'R' },
      labels: { background: 0, cell: 1, nucleus: 2 },
      file_ending: '.png',
    };
    expect(await names({ 's/dataset.json': second })).toEqual(['cell', 'nucleus']);
    const first = { modality: { 0: 'R' }, labels: { 0: 'background', 1: 'cell', 2: 'nucleus' } };
    expect(await names({ 's/dataset.json': first })).toEqual(['cell', 'nucleus']);
  });

  it('come from the _classes.csv of Roboflow', async () => {
    const csv = 'Pixel Value, Class\n0, background\n1, crack\n2, hole\n';
    expect(await names({ 's/labels/_classes.csv': csv })).toEqual(['crack', 'hole']);
  });

  it('come from a CSV as Excel saves it, in UTF-16 or in Windows-1252', async () => {
    const csv = 'Pixel Value;Class\r\n1;Riß\r\n2;Öffnung\r\n';
    const units = Uint16Array.from(`\ufeff${csv.replaceAll(';', '\t')}`, (character) =>
      character.charCodeAt(0),
    );
    for (const bytes of [
      new Uint8Array(units.buffer),
      Uint8Array.from(csv, (character) => character.charCodeAt(0)),
    ])
      expect(await names({ 's/labels/_classes.csv': bytes })).toEqual(['Riß', 'Öffnung']);
  });

  it('are those of the folder that the masks lie in', async () => {
    const { images } = await understoodDrop({
      's/images/a.png': IMAGE,
      's/labels/a.png': indices,
      's/label_names.txt': '_background_\ncell\nnucleus',
      't/images/b.png': IMAGE,
      't/labels/b.png': indices,
      't/label_names.txt': '_background_\ncar\nroad',
    });
    expect(images['s/images/a.png']?.objects.map(([name]) => name)).toEqual(['cell', 'nucleus']);
    expect(images['t/images/b.png']?.objects.map(([name]) => name)).toEqual(['car', 'road']);
  });
});

describe('lists of images', () => {
  const images = { 's/images/a.png': IMAGE, 's/images/b 2.png': IMAGE, 's/images/7.png': IMAGE };
  const said = async (path: string, text: string) =>
    (await understoodDrop({ ...images, [path]: text })).remarks;

  it.each([
    ['s/train.txt', 'a\nb 2\n'],
    ['s/metadata/val.txt', 'a.png\r\nb 2.png\r\n'],
    ['s/splits/test_1.txt', 'lost1.png\nlost2.png\nlost3.png\na.png'],
    ['s/all.txt', './images/a.png\n/home/me/set/images/b 2.png'],
    ['s/list.txt', '#Image CLASS-ID\na 1 1 1\n7\n'],
    ['s/pairs.txt', 'images/a.png masks/a.png\nimages/7.png masks/7.png'],
    ['s/trainval.txt', `a.png\n${'lost_image.png\n'.repeat(900)}`],
  ])('are passed over: %s', async (path, text) => {
    expect(await said(path, text)).toEqual([]);
  });

  it.each([
    ['s/notes.txt', 'a is blurred\nnothing else\nto say\nof these'],
    ['s/train.txt', 'x1.png\nx2.png'],
    ['s/images/x.txt', '7 0.5\n7 0.25'],
    ['s/images/7_cp_outlines.txt', '7,8,9,10\n7,5,4,3'],
    ['s/empty.txt', ''],
  ])('are not what names none: %s', async (path, text) => {
    expect(await said(path, text)).toEqual([expect.stringMatching(/^refused data\/not-an-image/)]);
  });
});
