import { encodeMaskPng, encodePalettePng } from '../encode-png.ts';
import { encodeLabelTiff } from '../encode-tiff.ts';
import { fillRuns } from '../labels/runs.ts';
import { refuse } from '../outcome.ts';
import type { DatasetSettings } from '../reading/settings.ts';
import type { LabelMap } from '../types.ts';
import { type Colour, VOID_COLOUR } from '../voc-colours.ts';
import { colourOf } from './class-colours.ts';
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

/** The value of pixels that take no part, in masks of 8 bits. */
export const VOID = 255;

/** Masks as PNG in which each object has a value of its own. */
export const pngInstances: OutFormat = {
  id: 'png-instances',
  label: 'PNG, a value for each object',
  help:
    'A grey PNG of 8 or 16 bits for each image, exact to the pixel; where there are several classes, another one of class ' +
    'values: for scikit-image, Cellpose, StarDist.',
  files: ['instances/a.png', 'labels/a.png', 'class_names.txt'],
  imageFolder: 'images',
  open: (set, remarks) => new InstanceWriter(set, remarks, 'png', encodeMaskPng),
};

/** The same as TIFF of 16 bits, whatever the number of objects. */
export const tiffInstances: OutFormat = {
  id: 'tiff-instances',
  label: 'TIFF of 16 bits, a value for each object',
  help: 'As above, for ImageJ, CellProfiler and other microscopy tools.',
  files: ['instances/a.tif', 'labels/a.tif', 'class_names.txt'],
  imageFolder: 'images',
  open: (set, remarks) => new InstanceWriter(set, remarks, 'tif', (map) => encodeLabelTiff(map, 'uint16')),
};

/** Masks as PNG in which each class has a value and a colour of its own. */
export const pngClasses: OutFormat = {
  id: 'png-classes',
  label: 'PNG, a colour for each class',
  help: 'A PNG of 8 bits with a palette for each image: values are class numbers, 255 takes no part; for semantic segmentation.',
  files: ['labels/a.png', 'class_names.txt'],
  imageFolder: 'images',
  open: (set, remarks) => {
    const classes = new ClassNumbers(set);
    let hasIgnored = false;
    return {
      add: (image, { stem }) => {
        remarkOnMerging(image, remarks);
        hasIgnored ||= hasIgnoredPixels(image);
        return [{ path: `labels/${stem}.png`, bytes: classPng(image, set, classes) }];
      },
      finish: () => [classNames(classes)],
      settings: () => (hasIgnored ? { background: 0, ignore: [VOID] } : plainSettings()),
    };
  },
};

/** Masks as PNG of black and white. */
export const pngBinary: OutFormat = {
  id: 'png-binary',
  label: 'PNG, black and white',
  help: 'A PNG for each image, 255 where any object is: for tools that know one kind of object.',
  files: ['masks/a.png'],
  imageFolder: 'images',
  open: (_, remarks) => ({
    add: (image, { stem }) => {
      remarkOnIgnored(image, remarks);
      remarkOnMerging(image, remarks);
      const { data, ...size } = drawn(image, () => 1);
      return [{ path: `masks/${stem}.png`, bytes: encodeMaskPng({ ...size, data: Uint8Array.from(data) }) }];
    },
    finish: () => [],
    settings: plainSettings,
  }),
};

/** Background is 0, and no value takes no part. */
export const plainSettings = (): DatasetSettings => ({ background: 0, ignore: [] });

export const hasIgnoredPixels = ({ ignored }: LabelledImage): boolean => (ignored?.length ?? 0) > 0;

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
    if (image.objects.length > MOST_VALUES) throw tooMany(image);
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

  settings = plainSettings;
}

/** Objects that values of 16 bits tell apart. */
const MOST_VALUES = 65_535;

const tooMany = ({ name, objects }: LabelledImage) =>
  refuse(
    'out/too-many-objects',
    name,
    `The image has ${objects.length} objects, and masks of 16 bits tell ${MOST_VALUES} apart.`,
    'Use COCO.',
  );

/** An image's classes as a PNG with their colours, ignored pixels as {@link VOID}. */
export function classPng(image: LabelledImage, set: LabelSet, classes: ClassNumbers): Uint8Array {
  return palettePng(
    image,
    (object) => {
      const value = classes.of(object);
      if (value < VOID) return value;
      const what = `There are more classes than the ${VOID - 1} that masks of 8 bits tell apart.`;
      throw refuse('out/too-many-classes', image.name, what, 'Use COCO or PNG with a value for each object.');
    },
    (value) => colourOf(set, classes.names[value - 1], value),
  );
}

/** A PNG of 8 bits with a palette, ignored pixels as {@link VOID}. @param valueFor of an object, 1 … 254. */
export function palettePng(
  image: LabelledImage,
  valueFor: (object: LabelledObject, index: number) => number,
  colourFor: (value: number) => Colour,
): Uint8Array {
  const values = Array.from({ length: VOID - 1 }, (_, i) => colourFor(i + 1));
  return encodePalettePng(drawn(image, valueFor, VOID), [[0, 0, 0], ...values, VOID_COLOUR]);
}

/** Names by their value, a line each: the first line is that of the background. */
export function classNames(classes: ClassNumbers): OutFile {
  return textFile('class_names.txt', ['_background_', ...classes.names].map((name) => `${name}\n`).join(''));
}

/**
 * An image's objects as one value a pixel.
 * @param valueFor of an object, from 1.
 * @param ignoredAs of ignored pixels.
 */
export function drawn(
  { width, height, objects, ignored }: LabelledImage,
  valueFor: (object: LabelledObject, index: number) => number,
  ignoredAs = 0,
): LabelMap {
  const data = new Int32Array(width * height);
  if (ignored && ignoredAs !== 0) fillRuns(ignored, data, ignoredAs);
  for (const [i, object] of objects.entries()) fillRuns(object.runs, data, valueFor(object, i));
  return { width, height, data };
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

/** Says that objects which touch become one, where there are several. */
function remarkOnMerging({ name, objects }: LabelledImage, remarks: OutRemarks): void {
  remarks.add(
    'out/no-objects',
    name,
    objects.length > 1 ? 1 : 0,
    (count) =>
      `${count === 1 ? 'An image has' : `${count} images have`} several objects, which this format does not tell apart where they touch.`,
    'Use a format with a value for each object, or COCO.',
  );
}
