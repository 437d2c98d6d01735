import { dump } from 'js-yaml';
import type { Split } from '../types.ts';
import type { LabelledImage, LabelSet } from './label-set.ts';
import {
  ClassNumbers,
  type ImagePath,
  type OutFile,
  type OutFormat,
  type OutRemarks,
  type OutWriter,
  remarkOnIgnored,
  textFile,
} from './out-format.ts';
import { joinedRing, outlinedParts } from './outlines.ts';

/** YOLO segmentation, as Ultralytics trains on it. */
export const yolo: OutFormat = {
  id: 'yolo',
  label: 'YOLO segmentation',
  help: 'A text file for each image, a line for each object, and data.yaml with the classes: for Ultralytics YOLO.',
  files: ['labels/a.txt', 'data.yaml'],
  imageFolder: 'images',
  open: (set, remarks) => new YoloWriter(set, remarks),
};

class YoloWriter implements OutWriter {
  private readonly classes: ClassNumbers;
  private readonly images: { readonly path: string; readonly split: Split }[] = [];

  constructor(
    set: LabelSet,
    private readonly remarks: OutRemarks,
  ) {
    this.classes = new ClassNumbers(set);
  }

  add(image: LabelledImage, { path, stem }: ImagePath): OutFile[] {
    this.images.push({ path, split: image.split ?? 'train' });
    const { name, width, height, objects } = image;
    remarkOnIgnored(image, this.remarks);
    let joined = 0;
    const shares = [sharesOf(width), sharesOf(height)] as const;
    const share = (value: number, i: number) => (i % 2 === 0 ? shares[0] : shares[1])(value);
    const lines = objects.map((object) => {
      const rings = outlinedParts(object.runs, width).flatMap(({ outer, holes }) => [outer, ...holes]);
      if (rings.length > 1) joined++;
      return `${[this.classes.of(object) - 1, ...joinedRing(rings).map(share)].join(' ')}\n`;
    });
    this.remarks.add(
      'out/one-outline',
      name,
      joined,
      (count) =>
        `${count === 1 ? 'An object has' : `${count} objects have`} holes or several parts, and YOLO has one outline for each: they are joined by lines without width, as Ultralytics joins them, which its training draws one pixel wide.`,
      'Use COCO with run lengths where the pixels have to be exact everywhere.',
    );
    // Ultralytics puts "labels" in place of the last "images" of a path.
    const at = `${yolo.imageFolder}/${stem}.txt`.replace(/^(.*\/)?images\//, '$1labels/');
    return [textFile(at, lines.join(''))];
  }

  finish(): OutFile[] {
    const { names } = this.classes;
    const lists = SPLITS.flatMap((split) => {
      // A path is relative to the list where it begins like this.
      const lines = this.images.flatMap((image) =>
        image.split === split ? [`./${yolo.imageFolder}/${image.path}\n`] : [],
      );
      return lines.length > 0 ? [textFile(`${split}.txt`, lines.join(''))] : [];
    });
    const isSplit = lists.length > 1;
    const where = isSplit
      ? Object.fromEntries(lists.map(({ path }) => [path.replace('.txt', ''), path]))
      : { train: yolo.imageFolder };
    // Ultralytics asks for both.
    const { train = where.val, val = where.train, ...test } = where;
    // Without "path" it is the folder of this file, wherever that lies.
    const text = dump({ train, val, ...test, nc: names.length, names });
    return [...(isSplit ? lists : []), textFile('data.yaml', text)];
  }
}

/** A whole number of pixels as a share of a side, each computed once: an outline has the same ones many times. */
function sharesOf(side: number): (value: number) => number {
  const known: number[] = [];
  return (value) => {
    // Six digits are less than a twentieth of a pixel in the widest image that is read.
    known[value] ??= +(value / side).toFixed(6);
    return known[value];
  };
}

const SPLITS: readonly Split[] = ['train', 'val', 'test'];
