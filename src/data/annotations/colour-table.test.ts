import { describe, expect, it } from 'vitest';
import { className } from '../classes.ts';
import { encodeImagePng, encodeMaskPng, encodePalettePng } from '../encode-png.ts';
import { inspectDataset } from '../inspect.ts';
import { readDatasets } from '../read-datasets.ts';
import { classReading } from '../reading/reading.ts';
import { vocColour } from '../voc-colours.ts';

type Rgb = readonly [number, number, number];

const [WIDTH, HEIGHT] = [40, 32];

/** Rectangles 1, 2, … side by side on 0, the first of them in two parts. */
const numbers = (count: number) =>
  Int32Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    const place = Math.floor(x / 8);
    return y > 4 && y < 28 && x % 8 > 1 && place < count && !(place === 0 && y > 14 && y < 18)
      ? place + 1
      : 0;
  });

const photo = encodeImagePng({
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
  data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * i * 31 + i * 7) % 251),
});

/** A mask of the colours, the first of which is around the others. */
const coloured = (...colours: readonly Rgb[]) =>
  encodeImagePng({
    width: WIDTH,
    height: HEIGHT,
    channels: 3,
    data: Uint8Array.from([...numbers(colours.length - 1)].flatMap((n) => colours[n] ?? [0, 0, 0])),
  });

const indexed = (count: number, palette?: readonly Rgb[]) => {
  const map = { width: WIDTH, height: HEIGHT, data: numbers(count) };
  return palette ? encodePalettePng(map, palette) : encodeMaskPng(map);
};

/** Names of the classes, how many objects there are, what is background, and what is said. */
async function understood(files: Readonly<Record<string, Uint8Array | string>>) {
  const dropped = Object.entries(files).map(([path, content]) => {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return { path, size: bytes.length, bytes: async () => bytes };
  });
  const { datasets, refusals } = await readDatasets(dropped);
  const [found] = datasets;
  if (!found || datasets.length > 1) throw new Error(`${datasets.length} datasets`);
  const { dataset, summary, reading, refusals: more } = await inspectDataset(found);
  const used = classReading(reading);
  return {
    names: summary.labels.map((label) =>
      className(label, { count: summary.labels.length, names: dataset.classNames, reading: used }),
    ),
    background: used?.background,
    ignored: used?.ignored,
    said: [...refusals, ...more].map(({ code, file, reason }) => `${code} ${file}: ${reason}`),
  };
}

const set = (mask: Uint8Array, folder = 'masks', [a, b]: readonly [string, string] = ['a', 'b']) => ({
  [`s/images/${a}.png`]: photo,
  [`s/images/${b}.png`]: photo,
  [`s/${folder}/${a}.png`]: mask,
  [`s/${folder}/${b}.png`]: mask,
});

const SKY: Rgb = [128, 128, 128];
const CAR: Rgb = [64, 0, 128];
const BLACK: Rgb = [0, 0, 0];

describe('a table of colours beside masks', () => {
  it.each([
    ['label_colors.txt', '64 0 128\tCar\n128 128 128\t\tSky\n0 0 0\tVoid\n'],
    ['label_colors.txt', '0 64 0 128 Car\n1 128 128 128 Sky\n2 0 0 0 Void\n'],
    ['class_dict.csv', 'name,r,g,b\nCar,64,0,128\nSky,128,128,128\nVoid,0,0,0\n'],
    [
      'class_dict.csv',
      '\uFEFFname, r, g, b\r\nunlabeled, 0, 0, 0\r\nCar, 64, 0, 128\r\nSky, 128, 128, 128\r\n',
    ],
    ['classes.csv', 'id;R;G;B;class\n0;0;0;0;unknown\n1;64;0;128;Car\n2;128;128;128;Sky\n'],
    ['colors.txt', 'Car 64 0 128\nSky 128 128 128\n'],
    ['colors.csv', '"Car",64,0,128\n"Sky",128,128,128\n'],
    [
      'labelmap.txt',
      '# label:color_rgb:parts:actions\nbackground:0,0,0::\nCar:64,0,128::\nSky:128,128,128::\n',
    ],
    ['colors.csv', 'class,color\nunlabeled,#000000\nCar,#400080\nSky,#808080\n'],
    ['class_mapping.csv', 'class_name,class_color\n__background__,0 0 0\nCar,64 0 128\nSky,128 128 128\n'],
    ['colors.txt', '#400080 Car\n#808080 Sky\n'],
    ['colors.txt', 'Car: #400080\nSky: #808080\n'],
    [
      'meta.json',
      '{"classes": [{"title": "Sky", "shape": "bitmap", "color": "#808080"}, {"title": "Car", "color": "#400080"}], "tags": []}',
    ],
    [
      'classes.json',
      '[{"name": "Sky", "color": [128, 128, 128]}, {"name": "Car", "color": "rgb(64, 0, 128)"}]',
    ],
    ['obj_class_to_machine_color.json', '{"Car": [64, 0, 128], "Sky": [128, 128, 128]}'],
    ['colors.json', '{"#400080ff": "Car", "#808080ff": "Sky"}'],
  ])('names the classes: %s', async (file, text) => {
    const { names, background, said } = await understood({
      ...set(coloured(BLACK, CAR, SKY)),
      [`s/${file}`]: text,
    });
    expect(names.toSorted()).toEqual(['Car', 'Sky']);
    expect(background).toBe(0);
    expect(said).toEqual([]);
  });

  it('in a JSON counts for colours alone, as its order says no numbers', async () => {
    const table =
      '{"classes": [{"title": "Car", "color": "#400080"}, {"title": "Sky", "color": "#808080"}, {"title": "Sea", "color": "#1"}]}';
    const { names } = await understood({ ...set(indexed(2)), 's/meta.json': table.replace('#1', '#000001') });
    expect(names).toEqual(['class 1', 'class 2']);
  });

  it('in a JSON is none where the file holds objects, of whatever tool', async () => {
    const hasty =
      '{"export_format_version": "1.1", "label_classes": [{"class_name": "Car", "color": "#400080"}], "images": []}';
    const { names, said } = await understood({ ...set(coloured(BLACK, CAR)), 's/export.json': hasty });
    expect(names).toEqual(['foreground']);
    expect(said).toEqual([expect.stringMatching(/of Hasty/)]);
  });

  it('is no list of images with numbers', async () => {
    const { names, said } = await understood({ ...set(indexed(1)), 's/list.txt': 'a 1 1 1\nb 1 1 1\n' });
    expect([names, said]).toEqual([['foreground'], []]);
  });

  it('says which colour is background, and which are no class beside it', async () => {
    const table = 'name,r,g,b\nWater,226,169,41\nRoad,110,193,228\nUnlabeled,155,155,155\n';
    const mask = coloured([226, 169, 41], [155, 155, 155], [110, 193, 228]);
    const first = await understood({ ...set(mask), 's/class_dict.csv': table });
    expect(first).toMatchObject({ background: 0x9b9b9b, said: [] });
    expect(first.names.toSorted()).toEqual(['Road', 'Water']);
    const second = await understood({
      ...set(mask),
      's/class_dict.csv': `${table.replace('Road', 'Background')}`,
    });
    expect(second).toMatchObject({ names: ['Water'], background: 0x6ec1e4, ignored: [0x9b9b9b], said: [] });
  });

  it('makes a class of each colour that it names, also of one that fills the images', async () => {
    const land: Rgb = [255, 255, 0];
    const water: Rgb = [0, 0, 255];
    const table = 'name,r,g,b\nland,255,255,0\nwater,0,0,255\nunknown,0,0,0\n';
    const colours = await understood({ ...set(coloured(land, water)), 's/images/class_dict.csv': table });
    expect(colours).toMatchObject({ background: null, said: [] });
    expect(colours.names.toSorted()).toEqual(['land', 'water']);
    const indices = await understood({ ...set(indexed(1, [land, water])), 's/class_dict.csv': table });
    expect(indices).toMatchObject({ background: null, said: [] });
    expect(indices.names.toSorted()).toEqual(['land', 'water']);
  });

  it('names the one class of black and white masks, whichever stands first', async () => {
    const mask = coloured(BLACK, [255, 255, 255]);
    for (const table of ['road,255,255,255\nbackground,0,0,0\n', 'background,0,0,0\nroad,255,255,255\n']) {
      const { names, said } = await understood({ ...set(mask), 's/class_dict.csv': `name,r,g,b\n${table}` });
      expect([names, said]).toEqual([['road'], []]);
    }
  });

  it('counts for indices by the colours of their palette, else by its order', async () => {
    const table = { 's/class_dict.csv': 'name,r,g,b\nSky,128,128,128\nCar,64,0,128\nTree,128,128,0\n' };
    const byPalette = await understood({ ...set(indexed(2, [BLACK, CAR, SKY])), ...table });
    expect([byPalette.names, byPalette.said]).toEqual([['Car', 'Sky'], []]);
    const byOrder = await understood({ ...set(indexed(2)), ...table });
    expect([byOrder.names, byOrder.said]).toEqual([['Car', 'Tree'], []]);
  });

  it('is said where it is not that of the masks', async () => {
    const text = 'name,r,g,b\nCar,64,0,128\nTree,128,128,0\n';
    const some = await understood({ ...set(coloured(BLACK, CAR, SKY)), 's/class_dict.csv': text });
    expect(some.names).toEqual(['Car', '#808080']);
    expect(some.said).toEqual([
      'data/class-colours s/class_dict.csv: It lacks 1 of the 2 colours of these masks: (128, 128, 128). Their classes have no names.',
    ]);
    const none = await understood({ ...set(coloured(BLACK, [9, 9, 200], SKY)), 's/class_dict.csv': text });
    expect(none.names).toEqual(['#0909c8', '#808080']);
    expect(none.said).toEqual([expect.stringMatching(/^data\/class-colours s\/class_dict.csv: .*none/)]);
    const beyond = await understood({ ...set(indexed(3)), 's/class_dict.csv': text });
    expect(beyond.names).toEqual(['class 1', 'class 2', 'class 3']);
    expect(beyond.said).toEqual([expect.stringMatching(/^data\/class-colours s\/class_dict.csv/)]);
  });

  it('leaves names in dataset.json as they are', async () => {
    const { names, said } = await understood({
      ...set(coloured(BLACK, CAR, SKY)),
      's/class_dict.csv': 'name,r,g,b\nCar,64,0,128\n',
      's/dataset.json': JSON.stringify({ classNames: { '#400080': 'Auto', '#808080': 'Himmel' } }),
    });
    expect([names, said]).toEqual([['Auto', 'Himmel'], []]);
  });

  it.each([
    ['points.csv', 'x,y,z\n1,2,3\n'],
    ['sizes.txt', 'crop 10 20 30\n'],
    ['means.csv', 'image,r,g,b\na.png,10,20,30\n'],
    ['values.csv', 'name,r,g,b\nCar,0.5,0.25,0.1\n'],
  ])('is told from other text: %s', async (file, text) => {
    const { names, said } = await understood({ ...set(coloured(BLACK, CAR, SKY)), [`s/${file}`]: text });
    expect(names).toEqual(['#400080', '#808080']);
    expect(said).toEqual([expect.stringMatching(/^data\/not-an-image/)]);
  });
});

describe('the colours of PASCAL VOC', () => {
  const palette = Array.from({ length: 256 }, (_, i) => vocColour(i));

  const VocNames = ['2007_000032', '2011_003256'] as const;

  it('name classes in its folder where no file does, which is said', async () => {
    for (const mask of [indexed(2, palette), coloured(BLACK, vocColour(1), vocColour(2))]) {
      const { names, said } = await understood(set(mask, 'SegmentationClass', VocNames));
      expect(names.toSorted()).toEqual(['aeroplane', 'bicycle']);
      expect(said).toEqual([
        expect.stringMatching(/^data\/class-colours s\/SegmentationClass\/: .*PASCAL VOC/),
      ]);
    }
  });

  it('name nothing elsewhere, in masks of other names, beside a file of names, or with other colours', async () => {
    const mask = indexed(2, palette);
    expect((await understood(set(mask))).names).toEqual(['class 1', 'class 2']);
    expect(await understood(set(mask, 'SegmentationClass'))).toMatchObject({
      names: ['class 1', 'class 2'],
      said: [],
    });
    const voc = set(mask, 'SegmentationClass', VocNames);
    for (const [file, text] of [
      ['class_names.txt', '_background_\ncell\nnucleus\n'],
      ['labels.txt', '__ignore__\n_background_\ncell\nnucleus\n'],
      ['classes.txt', 'background\ncell\nnucleus\n'],
    ]) {
      expect(await understood({ ...voc, [`s/${file}`]: text ?? '' })).toMatchObject({
        names: ['cell', 'nucleus'],
        said: [],
      });
    }
    const other = set(coloured(BLACK, vocColour(1), [1, 2, 3]), 'SegmentationClass', VocNames);
    expect(await understood(other)).toMatchObject({ names: ['#010203', '#800000'], said: [] });
  });
});

describe('names of classes by number', () => {
  const Values = 'background 0';
  const withVoid = (count: number) => {
    const data = numbers(count).map((value, i) => (i % WIDTH > 34 && i < 4 * WIDTH ? 255 : value));
    return encodeMaskPng({ width: WIDTH, height: HEIGHT, data });
  };

  it.each([
    ['id2label.json', { 0: 'background', 1: 'leaf', 2: 'stem', 3: 'root' }],
    ['label2id.json', { leaf: 1, background: 0, stem: 2, root: 3 }],
    [
      'config.json',
      { model_type: 'segformer', id2label: { 0: 'unlabeled', 1: 'leaf', 2: 'stem', 3: 'root' } },
    ],
    ['ade20k-id2label.json', { 0: 'leaf', 1: 'stem', 2: 'root' }],
  ])(`are those of %s, ${Values}`, async (name, json) => {
    const { names, background, said } = await understood({
      ...set(indexed(3)),
      [`s/${name}`]: JSON.stringify(json),
    });
    expect({ names, background, said }).toEqual({ names: ['leaf', 'stem', 'root'], background: 0, said: [] });
  });

  it('make 0 a class where it is named and 255 is what is not labelled', async () => {
    const { names, background, ignored } = await understood({
      ...set(withVoid(2)),
      's/id2label.json': '{"0": "road", "1": "car", "2": "sky"}',
    });
    expect(names.toSorted()).toEqual(['car', 'road', 'sky']);
    expect([background, ignored]).toEqual([null, [255]]);
  });

  it('say that 0 is taken as a class where it may be background, which can be chosen', async () => {
    const files = { ...set(indexed(2)), 's/id2label.json': '{"0": "wall", "1": "sky", "2": "tree"}' };
    const found = await understood(files);
    expect(found.background).toBe(null);
    expect(found.names.toSorted()).toEqual(['sky', 'tree', 'wall']);
    expect(found.said).toEqual([
      'data/class-numbers s/masks/: s/id2label.json calls 0 wall, so no value is taken as background.',
    ]);
    const chosen = await understood({ ...files, 's/dataset.json': '{"background": 0}' });
    expect(chosen).toMatchObject({ names: ['wall', 'sky'], background: 0, said: [] });
  });

  it('are said to lack values that masks hold', async () => {
    const { names, said } = await understood({
      ...set(indexed(4)),
      's/id2label.json': '{"0": "background", "1": "leaf", "2": "stem"}',
    });
    expect(names).toEqual(['leaf', 'stem', 'class 3', 'class 4']);
    expect(said.join()).toContain('lacks 2 of the 4 values of these masks: 3 and 4');
  });

  it.each([
    ['counts.json', '{"leaf": 12, "stem": 40}'],
    ['order.json', '{"1": "a.png", "2": "b.png"}'],
  ])('are not read from %s', async (name, text) => {
    const { said } = await understood({ ...set(indexed(2)), [`s/${name}`]: text });
    expect(said.join()).toContain(`data/annotation-unknown s/${name}`);
  });
});
