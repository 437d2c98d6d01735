import { encodeImagePng } from '../encode-png.ts';
import type { DatasetSettings } from '../reading/settings.ts';
import type { Split } from '../types.ts';
import { VOID_COLOUR, vocColour } from '../voc-colours.ts';
import { colourOf } from './class-colours.ts';
import type { LabelledImage, LabelSet } from './label-set.ts';
import {
  classNames,
  classPng,
  drawn,
  hasIgnoredPixels,
  palettePng,
  plainSettings,
  remarkOnOverlap,
  VOID,
} from './masks.ts';
import {
  ClassNumbers,
  type ImagePath,
  type OutFile,
  type OutFormat,
  type OutRemarks,
  type OutWriter,
  textFile,
} from './out-format.ts';

/** PASCAL VOC's masks of classes and of objects, with their palette. */
export const voc: OutFormat = {
  id: 'voc',
  label: 'PASCAL VOC segmentation',
  help: 'Masks of classes and of objects with the palette of VOC, lists of images, labelmap.txt: for CVAT, MMSegmentation.',
  files: [
    'SegmentationClass/a.png',
    'SegmentationObject/a.png',
    'ImageSets/Segmentation/trainval.txt',
    'labelmap.txt',
    'class_names.txt',
  ],
  imageFolder: 'JPEGImages',
  open: (set, remarks) => new VocWriter(set, remarks),
};

class VocWriter implements OutWriter {
  private readonly classes: ClassNumbers;
  private hasIgnored = false;
  private hasColours = false;
  private readonly stems: { readonly stem: string; readonly split: Split }[] = [];

  constructor(
    private readonly set: LabelSet,
    private readonly remarks: OutRemarks,
  ) {
    this.classes = new ClassNumbers(set);
  }

  add(image: LabelledImage, { stem }: ImagePath): OutFile[] {
    remarkOnOverlap(image, this.remarks);
    this.hasIgnored ||= hasIgnoredPixels(image);
    this.stems.push({ stem, split: image.split ?? 'train' });
    return [
      { path: `SegmentationClass/${stem}.png`, bytes: classPng(image, this.set, this.classes) },
      { path: `SegmentationObject/${stem}.png`, bytes: this.objectPng(image) },
    ];
  }

  finish(): OutFile[] {
    const list = (name: string, splits: readonly Split[]) => {
      const lines = this.stems.flatMap(({ stem, split }) => (splits.includes(split) ? [`${stem}\n`] : []));
      return lines.length > 0 ? [textFile(`ImageSets/Segmentation/${name}.txt`, lines.join(''))] : [];
    };
    const { names } = this.classes;
    // A colon ends the name in a line of labelmap.txt.
    const colours = names.map((name, i) => `${name}:${colourOf(this.set, name, i + 1).join(',')}::\n`);
    return [
      ...list('train', ['train']),
      ...list('val', ['val']),
      ...list('trainval', ['train', 'val']),
      ...list('test', ['test']),
      ...(names.some((name) => name.includes(':'))
        ? []
        : [textFile('labelmap.txt', `background:0,0,0::\n${colours.join('')}`)]),
      classNames(this.classes),
    ];
  }

  settings(): DatasetSettings {
    if (!this.hasIgnored) return plainSettings();
    return { background: 0, ignore: this.hasColours ? [VOID, '#e0e0c0'] : [VOID] };
  }

  private objectPng(image: LabelledImage): Uint8Array {
    const { objects, width, height, name } = image;
    if (objects.length < VOID) return palettePng(image, (_, i) => i + 1, vocColour);
    this.hasColours = true;
    this.remarks.add(
      'out/voc-colours',
      name,
      1,
      (count) =>
        `${count === 1 ? 'An image has' : `${count} images have`} more objects than the ${VOID - 1} that a palette holds: SegmentationObject has their colours instead.`,
      'Use a format with a value for each object, or COCO, if a tool cannot read them.',
    );
    const { data } = drawn(image, (_, i) => i + 1, -1);
    const colours = new Uint8Array(3 * data.length);
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      if (value !== 0) colours.set(value < 0 ? VOID_COLOUR : vocColour(value), 3 * i);
    }
    return encodeImagePng({ width, height, channels: 3, data: colours });
  }
}
