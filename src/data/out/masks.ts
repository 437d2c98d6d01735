import { encodeMaskPng } from '../encode-png.ts';
import type { LabelMap } from '../types.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';
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
import type { Runs } from './runs.ts';

/** Masks as PNG in which each object has a value of its own. */
export const pngInstances: OutFormat = {
  id: 'png-instances',
  label: 'PNG, a value for each object',
  help:
    'A grey PNG of 8 or 16 bits for each image, exact to the pixel; where there are several classes, another one of class ' +
    'values: for scikit-image, Cellpose, StarDist.',
  files: ['instances/a.png', 'labels/a.png', 'class_names.txt'],
  imageFolder: 'images',
  settings: { background: 0, ignore: [] },
  open: (set, remarks) => new InstanceWriter(set, remarks, 'png', encodeMaskPng),
};

class InstanceWriter implements OutWriter {
  private readonly classes: ClassNumbers;
  /** Whether classes are known to be several from the first image on. */
  private readonly hasClasses: boolean;

  constructor(
    set: LabelSet,
    private readonly remarks: OutRemarks,
    private readonly extension: string,
    private readonly encode: (map: LabelMap) => Uint8Array,
  ) {
    this.classes = new ClassNumbers(set);
    this.hasClasses = set.classes.length > 1;
  }

  add(image: LabelledImage, { stem }: ImagePath): OutFile[] {
    remarkOnIgnored(image, this.remarks);
    remarkOnOverlap(image, this.remarks);
    const file = (folder: string, valueFor: (object: LabelledObject, i: number) => number) => ({
      path: `${folder}/${stem}.${this.extension}`,
      bytes: this.encode(drawn(image, valueFor)),
    });
    const instances = file('instances', (_, i) => i + 1);
    return this.hasClasses ? [instances, file('labels', (object) => this.classes.of(object))] : [instances];
  }

  finish(): OutFile[] {
    return this.hasClasses ? [classNames(this.classes)] : [];
  }
}

/** Names by their value, a line each: the first line is that of the background. */
export function classNames(classes: ClassNumbers): OutFile {
  return textFile('class_names.txt', ['_background_', ...classes.names].map((name) => `${name}\n`).join(''));
}

/** An image's objects as one value a pixel. @param valueFor of an object, from 1. */
export function drawn(
  { width, height, objects }: LabelledImage,
  valueFor: (object: LabelledObject, index: number) => number,
): LabelMap & { readonly data: Int32Array } {
  const data = new Int32Array(width * height);
  for (const [i, object] of objects.entries()) fill(data, object.runs, valueFor(object, i));
  return { width, height, data };
}

export function fill(data: Int32Array, runs: Runs, value: number): void {
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] as number;
    data.fill(value, start, start + (runs[i + 1] as number));
  }
}

/** Says how many objects lose pixels to those above them. */
export function remarkOnOverlap(image: LabelledImage, remarks: OutRemarks): void {
  const { data } = drawn(image, (_, i) => i + 1);
  let hidden = 0;
  for (const [i, { runs }] of image.objects.entries()) {
    for (let k = 0; k < runs.length; k += 2) {
      const start = runs[k] as number;
      const end = start + (runs[k + 1] as number);
      let at = start;
      while (at < end && data[at] === i + 1) at++;
      if (at < end) {
        hidden++;
        break;
      }
    }
  }
  remarks.add(
    'out/overlap',
    image.name,
    hidden,
    (count) =>
      `${count === 1 ? 'An object lies' : `${count} objects lie`} partly under others, and this format has one value a pixel: the later object keeps the pixels.`,
    'Use COCO, which holds objects that overlap.',
  );
}
