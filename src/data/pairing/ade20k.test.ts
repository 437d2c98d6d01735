import { encode } from 'fast-png';
import { expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { readDatasets } from '../read-datasets.ts';

const [WIDTH, HEIGHT] = [20, 16];

/** Squares of 4 pixels side by side, each of a class and with a number, as ADE20K writes them. */
function segmentation(...objects: readonly (readonly [classNumber: number, object: number])[]) {
  const data = new Uint8Array(3 * WIDTH * HEIGHT);
  for (const [i, [classNumber, object]] of objects.entries()) {
    for (let at = 0; at < 16; at++) {
      const pixel = (2 + Math.floor(at / 4)) * WIDTH + 1 + 4 * i + (at % 4);
      data.set([10 * Math.floor(classNumber / 256), classNumber % 256, object], 3 * pixel);
    }
  }
  return encode({ width: WIDTH, height: HEIGHT, channels: 3, depth: 8, data });
}

it('reads classes and objects out of the colours of ADE20K', async () => {
  const { images, remarks } = await understoodDrop({
    'a/ADE_train_00000001.jpg': blankPng(WIDTH, HEIGHT),
    'a/ADE_train_00000001_seg.png': segmentation([2978, 1], [2978, 2], [401, 255]),
    'b/ADE_val_00000002.jpg': blankPng(WIDTH, HEIGHT),
    'b/ADE_val_00000002_seg.png': segmentation([1, 1]),
    'b/ADE_val_00000002/instance_000_ADE_val_00000002.png': segmentation([0, 255]),
    'b/ADE_val_00000002/instance_001_ADE_val_00000002.png': segmentation([0, 0], [0, 255]),
  });
  expect(images).toEqual({
    'a/ADE_train_00000001.jpg': {
      objects: [
        ['class 2978', 16, [1, 2, 5, 6]],
        ['class 2978', 16, [5, 2, 9, 6]],
        ['class 401', 16, [9, 2, 13, 6]],
      ],
      ignored: 0,
    },
    'b/ADE_val_00000002.jpg': { objects: [[expect.any(String), 16, [1, 2, 5, 6]]], ignored: 0 },
  });
  expect(remarks).toEqual([]);
});

it('is one dataset, whose names of objects are left aside', async () => {
  const noise = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (i * i * 31 + i * 7) % 251);
  const photo = encode({ width: WIDTH, height: HEIGHT, channels: 3, depth: 8, data: noise });
  const names = ['training/a/abbey/ADE_train_00000001', 'training/b/bar/ADE_train_00000002'].concat(
    'validation/b/bar/ADE_val_00000003',
  );
  const dropped = names.flatMap((name, i) =>
    Object.entries({
      '.jpg': photo,
      '_seg.png': segmentation([2978, i], [401, 255]),
      '_parts_1.png': segmentation([7, 1]),
      '_atr.txt': new TextEncoder().encode('001 # 0 # 0 # sky # sky # ""'),
    }).map(([end, bytes]) => ({
      path: `ade/images/${name}${end}`,
      size: bytes.length,
      bytes: async () => bytes,
    })),
  );
  const { datasets, refusals } = await readDatasets(dropped);
  expect(datasets.map(({ samples }) => samples.map(({ split }) => split))).toEqual([
    ['train', 'train', 'val'],
  ]);
  expect(refusals.map(({ severity, code, file }) => `${severity} ${code} ${file}`)).toEqual([
    ...names.map((name) => `notice data/annotation-aside ade/images/${name}_atr.txt`),
    `refused data/second-mask ade/images/${names[0]}_parts_1.png`,
  ]);
});

it('says that a mask of such a name is none of ADE20K', async () => {
  const grey = encode({ width: WIDTH, height: HEIGHT, channels: 1, depth: 8, data: new Uint8Array(320) });
  const { remarks } = await understoodDrop({
    'ADE_train_00000001.jpg': blankPng(WIDTH, HEIGHT),
    'ADE_train_00000001_seg.png': grey,
  });
  expect(remarks.join()).toMatch(/data\/mask-not-ade20k ADE_train_00000001_seg.png/);
});
