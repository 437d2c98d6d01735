/** Labelled images with the shapes that outlines and run lengths get wrong, for tests of what goes out and comes in. */
import { encodeImagePng } from '../data/encode-png.ts';
import { runsOfValues } from '../data/labels/runs.ts';
import type { LabelledImage } from '../data/out/label-set.ts';
import { uniform } from './random.ts';

export const ODD_CLASSES: readonly string[] = ['cell', 'Größe ß', '細胞', 'a, "b" #1'];

/** A drawing: a letter or number is an object of its own, a dot is background. */
const DRAWINGS: readonly (readonly [name: string, rows: readonly string[]])[] = [
  [
    'plain.png',
    [
      'aaaaa....bb.b', //
      'a...a....bb.b',
      'a.a.a.cc.bbbb',
      'a...addcc....',
      'aaaaadd.e...f',
      'ggg....e...f.',
      'g.g...e...f..',
      'ggg..e.......',
      '...hhhhhhhhhh',
      'i..........jj',
      'i.kl.mmm...jj',
      'i.lk.m.m.....',
      'nnnnnnmnnnnnn',
    ],
  ],
  [
    'folder/line ü (1).png',
    [
      'a', //
      'a',
      'b',
      '.',
      'a',
    ],
  ],
  [
    'folder/deep/細胞.png',
    [
      'aa.aaaa.b', //
      'aaaa.aaa.',
      'a..aaa.aa',
      'aa.a.aaaa',
      '.aaaaa.a.',
      'c.c.c.c.c',
      '.c.c.c.c.',
      'c.c.d.c.c',
    ],
  ],
];

/** The images that {@link DRAWINGS} and random numbers give, with an image without objects and one of 300. */
export function oddImages(): LabelledImage[] {
  const images = DRAWINGS.map(([name, rows]) => imageOf(name, rows.map((row) => [...row]).map(valuesOf)));
  const random = uniform(7);
  const noise = (width: number, height: number, values: number) =>
    Array.from({ length: height }, () => Array.from({ length: width }, () => Math.floor(values * random())));
  return [
    ...images,
    imageOf('noise.b.png', noise(23, 17, 4)),
    imageOf('noise/dense.png', noise(16, 31, 2)),
    imageOf('scattered.png', noise(40, 30, 40)),
    imageOf('empty.png', noise(9, 5, 1)),
    imageOf(
      'many.png',
      Array.from({ length: 30 }, (_, y) =>
        Array.from({ length: 41 }, (_, x) => (x < 40 ? 1 + (x >> 1) + 20 * (y >> 1) : 0)),
      ),
    ),
  ];
}

const valuesOf = (row: readonly string[]) =>
  row.map((letter) => (letter === '.' ? 0 : letter.charCodeAt(0) - 96));

function imageOf(name: string, rows: readonly (readonly number[])[]): LabelledImage {
  const height = rows.length;
  const width = rows[0]?.length ?? 0;
  const map = rows.flat();
  const runs = runsOfValues(map, Math.max(...map)).filter(({ length }) => length > 0);
  const bytes = noisyPng(width, height);
  return {
    name,
    width,
    height,
    objects: runs.map((each, i) => ({
      runs: each,
      className: ODD_CLASSES[i % ODD_CLASSES.length] ?? '',
    })),
    file: { path: name, size: bytes.length, bytes: async () => bytes },
  };
}

/** An image that nobody takes for a mask. */
function noisyPng(width: number, height: number): Uint8Array {
  const random = uniform(width + height);
  const data = Uint8Array.from({ length: 3 * width * height }, () => 256 * random());
  return encodeImagePng({ width, height, channels: 3, data });
}
