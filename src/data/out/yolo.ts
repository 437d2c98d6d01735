import { dump } from 'js-yaml';
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

  constructor(
    set: LabelSet,
    private readonly remarks: OutRemarks,
  ) {
    this.classes = new ClassNumbers(set);
  }

  add(image: LabelledImage, { stem }: ImagePath): OutFile[] {
    const { name, width, height, objects } = image;
    remarkOnIgnored(image, this.remarks);
    let joined = 0;
    // Six digits are less than a twentieth of a pixel in the widest image that is read.
    const share = (value: number, i: number) => +(value / (i % 2 === 0 ? width : height)).toFixed(6);
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
    return [textFile(`labels/${stem}.txt`, lines.join(''))];
  }

  finish(): OutFile[] {
    const { names } = this.classes;
    const text = dump({ path: '.', train: 'images', val: 'images', nc: names.length, names: { ...names } });
    return [textFile('data.yaml', text)];
  }
}
