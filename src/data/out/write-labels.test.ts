import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { encodeImagePng } from '../encode-png.ts';
import { readDatasets } from '../read-datasets.ts';
import type { Split } from '../types.ts';
import { writeZip } from '../zip.ts';
import { coco } from './coco.ts';
import type { LabelledImage } from './label-set.ts';
import { type OutFormat, OutRemarks } from './out-format.ts';
import { outFormats } from './registry.ts';
import { writeLabels } from './write-labels.ts';
import { yolo } from './yolo.ts';

const bytes = encodeImagePng({
  width: 8,
  height: 6,
  channels: 3,
  data: Uint8Array.from({ length: 144 }, (_, i) => (i * 89) % 251),
});

const image = (name: string, split?: Split): LabelledImage => ({
  name,
  width: 8,
  height: 6,
  objects: [{ runs: Uint32Array.of(9, 3, 17, 1), className: 'cell' }],
  ...(split ? { split } : {}),
  file: { path: name, size: bytes.length, bytes: async () => bytes },
});

async function written(format: OutFormat, images: readonly LabelledImage[], withImages = true) {
  const remarks = new OutRemarks();
  const files: Record<string, Uint8Array> = {};
  const options = { format, set: { name: 'set', classes: ['no', 'cell'] }, withImages, remarks };
  for await (const file of writeLabels(images, options)) files[file.path] = file.bytes;
  const text = (path: string) => new TextDecoder().decode(files[path]);
  return { files, text, remarks: remarks.list().map(({ code, file }) => `${code} ${file}`) };
}

const fileNames = async (images: readonly LabelledImage[], withImages: boolean): Promise<string[]> => {
  const { text } = await written(coco, images, withImages);
  const { images: all } = JSON.parse(text('annotations.json')) as { images: { file_name: string }[] };
  return all.map(({ file_name }) => file_name);
};

test('an image keeps its extension as it is written', async () => {
  const images = [image('IMG_0001.JPG'), image('b/scan.TIFF')];
  expect(await fileNames(images, false)).toEqual(['IMG_0001.JPG', 'b/scan.TIFF']);
  expect(Object.keys((await written(coco, images)).files)).toContain('images/IMG_0001.JPG');
});

test('images go out under names that every system can unpack, and it is said', async () => {
  const names = ['a:b?.png', 'CON.png', 'd./e.png', 'A.png', 'a.png', 'plain ü (1).png'];
  const images = names.map((name) => image(name));
  const { files, remarks } = await written(coco, images);
  const paths = ['a_b_.png', 'CON_.png', 'd_/e.png', 'A.png', 'a (2).png', 'plain ü (1).png'];
  for (const path of paths) expect(files).toHaveProperty([`images/${path}`]);
  expect(await fileNames(images, true)).toEqual(paths);
  expect(remarks).toEqual(['out/renamed a:b?.png']);
  // Labels alone are called as the images that the person has.
  expect((await fileNames(images, false)).slice(0, 4)).toEqual(names.slice(0, 4));
});

const SPLIT = [
  image('1.png', 'train'),
  image('2.png', 'train'),
  image('3.png', 'val'),
  image('test/4.png', 'test'),
];

test.each(outFormats.filter(({ id }) => id !== 'csv').map((format) => [format.id, format] as const))(
  'splits come back as %s',
  async (_, format) => {
    const zip = await writeZip((await written(format, SPLIT)).files);
    const { datasets, refusals } = await readDatasets([
      { path: 'set.zip', size: zip.length, bytes: async () => zip },
    ]);
    expect(refusals).toEqual([]);
    expect(datasets).toHaveLength(1);
    expect(datasets[0]?.samples.map(({ name, split }) => [name, split])).toEqual([
      ['test/4.png', 'test'],
      ['train/1.png', 'train'],
      ['train/2.png', 'train'],
      ['val/3.png', 'val'],
    ]);
  },
);

test('YOLO lists the images of each split, and else trains and validates on all', async () => {
  const { files, text, remarks } = await written(yolo, SPLIT);
  expect(remarks).toEqual([]);
  // No "path": it would be taken from wherever Ultralytics is started.
  expect(load(text('data.yaml'))).toEqual({
    train: 'train.txt',
    val: 'val.txt',
    test: 'test.txt',
    nc: 2,
    // A list: programs sort the keys of a table as text.
    names: ['no', 'cell'],
  });
  for (const [list, paths] of [
    ['train.txt', ['./images/train/1.png', './images/train/2.png']],
    ['val.txt', ['./images/val/3.png']],
    ['test.txt', ['./images/test/4.png']],
  ] as const) {
    expect(text(list).trim().split('\n')).toEqual(paths);
    for (const path of paths) expect(files).toHaveProperty([path.slice(2)]);
  }
  const plain = await written(yolo, [image('1.png'), image('2.png')]);
  expect(load(plain.text('data.yaml'))).toMatchObject({ train: 'images', val: 'images' });
  expect(Object.keys(plain.files).filter((path) => path.endsWith('.txt'))).toHaveLength(2);
});

test('labels of YOLO lie where Ultralytics looks for them', async () => {
  const { files } = await written(yolo, [image('a/images/1.png')]);
  expect(files).toHaveProperty(['images/a/labels/1.txt']);
});

test.each(outFormats.map((format) => [format.id, format] as const))(
  'a mask without a pixel is left out of %s, and said',
  async (_, format) => {
    const whole = image('a.png');
    const empty = { runs: new Uint32Array(), className: 'cell' };
    const plain = await written(format, [whole], false);
    const { files, remarks } = await written(
      format,
      [{ ...whole, objects: [empty, ...whole.objects, empty] }],
      false,
    );
    const said = remarks.filter((remark) => !plain.remarks.includes(remark));
    expect(said).toEqual(['out/empty-object a.png']);
    expect(Object.keys(files)).toEqual(Object.keys(plain.files));
    for (const [path, content] of Object.entries(plain.files)) expect(files[path], path).toEqual(content);
  },
);
