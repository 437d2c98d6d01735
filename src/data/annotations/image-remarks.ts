import { notice, refusal } from '../outcome.ts';
import type { Refusal } from '../types.ts';

/** Names that a sentence lists before it only counts. */
const LISTED = 3;

interface Sentence {
  readonly code: string;
  /** `if-all`: refused when it is so of every image of the annotation file. */
  readonly refused: 'always' | 'never' | 'if-all';
  /** @param count of images, or of objects where the sentence is on objects. */
  readonly what: (count: number, names: string) => string;
  readonly cure: string;
}

const images = (count: number) => (count === 1 ? 'an image' : `${count} images`);
const objects = (count: number) => (count === 1 ? 'an object' : `${count} objects`);

const SENTENCES = {
  missing: {
    code: 'data/annotation-image-missing',
    refused: 'if-all',
    what: (count, names) => `It names ${images(count)} not among the files: ${names}.`,
    cure: 'Drop the images together with this file; one that is for a single image has to be called as that is.',
  },
  extension: {
    code: 'data/annotation-image-extension',
    refused: 'never',
    what: (count, names) =>
      `It names ${images(count)} by another extension than the file has that is taken: ${names}.`,
    cure: 'Look at the masks; if they do not fit, drop the images that were annotated.',
  },
  name: {
    code: 'data/annotation-image-renamed',
    refused: 'never',
    what: (_count, names) =>
      `The image that is called as this file is taken, not the one that it names, as if both had been renamed: ${names}.`,
    cure: 'Look at the mask; if the image that it names is meant, call this file as that image is called.',
  },
  address: {
    code: 'data/annotation-image-address',
    refused: 'if-all',
    what: (count, names) =>
      `It names ${images(count)} by address, and nothing is fetched from the web: ${names}.`,
    cure: 'Download the images and drop them together with this file.',
  },
  ambiguous: {
    code: 'data/annotation-image-ambiguous',
    refused: 'always',
    what: (count, names) => `It names ${images(count)} by a name that several files have: ${names}.`,
    cure: 'Give each image a name of its own, or drop each folder with its annotations by itself.',
  },
  twice: {
    code: 'data/annotation-twice',
    refused: 'never',
    what: (count, names) => `For ${images(count)} of it another annotation file is used: ${names}.`,
    cure: 'Drop only one of the two files.',
  },
  scaled: {
    code: 'data/annotation-scaled',
    refused: 'never',
    what: (count, names) =>
      `It was made for ${images(count)} of another size, so its shapes were scaled: ${names}.`,
    cure: 'Look at the masks, and drop the images that were annotated if they do not fit.',
  },
  size: {
    code: 'data/annotation-size',
    refused: 'always',
    what: (count, names) => `It was made for ${images(count)} of another size and shape: ${names}.`,
    cure: 'Drop the images that were annotated.',
  },
  beyond: {
    code: 'data/annotation-size',
    refused: 'always',
    what: (count, names) => `Its runs go beyond the pixels of ${images(count)}: ${names}.`,
    cure: 'Drop the images that were annotated, in the size that they had then.',
  },
  outside: {
    code: 'data/annotation-outside',
    refused: 'always',
    what: (count, names) =>
      `None of its objects has a pixel in ${images(count)}, which ${count === 1 ? 'is' : 'are'} taken as not labelled: ${names}.`,
    cure: 'Look whether its coordinates are pixels of the image that it is for, not degrees or micrometres; export them as pixels, or as masks.',
  },
  work: {
    code: 'data/annotation-too-much',
    refused: 'always',
    what: (count, names) =>
      `The outlines of ${images(count)} are too many or too long to be drawn: ${names}.`,
    cure: 'Simplify the outlines and export them again.',
  },
  hidden: {
    code: 'data/annotation-hidden',
    refused: 'never',
    what: (count, names) =>
      `More than a tenth of ${objects(count)} lies under smaller objects, which keep the shared pixels: ${names}.`,
    cure: 'Look at the masks, and delete objects that were outlined twice.',
  },
  empty: {
    code: 'data/annotation-no-pixels',
    refused: 'never',
    what: (count, names) => `It has ${objects(count)} without a pixel in the image: ${names}.`,
    cure: 'Check whether they lie beyond the image or are smaller than a pixel.',
  },
} as const satisfies Readonly<Record<string, Sentence>>;

export type ImageFault = keyof typeof SENTENCES;

/** Remarks of one annotation file on its images and objects, each kind said once. */
export class ImageRemarks {
  private readonly found = new Map<ImageFault, string[]>();

  constructor(private readonly path: string) {}

  /** @param item the image, or the image and what of it, as a sentence lists it. */
  add(fault: ImageFault, item: string): void {
    const items = this.found.get(fault);
    if (items) items.push(item);
    else this.found.set(fault, [item]);
  }

  /** @param total how many images the annotation file names. */
  list(total: number): Refusal[] {
    return [...this.found].map(([fault, items]) => {
      const { code, refused, what, cure }: Sentence = SENTENCES[fault];
      const isRefused = refused === 'always' || (refused === 'if-all' && items.length === total);
      return (isRefused ? refusal : notice)(code, this.path, what(items.length, listed(items)), cure);
    });
  }
}

/** The first names, and how many more there are. */
export function listed(items: readonly string[]): string {
  const rest = items.length - LISTED;
  return items.slice(0, LISTED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
