import { notice } from '../outcome.ts';
import type { DatasetSettings } from '../reading/settings.ts';
import type { Refusal } from '../types.ts';
import type { LabelledImage, LabelledObject, LabelSet } from './label-set.ts';

/** A file that goes out; folders of its path are divided by `/`. */
export interface OutFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A format in which labels go out: a record of the registry. */
export interface OutFormat {
  readonly id: string;
  /** As people call it. */
  readonly label: string;
  /** What reads it and what it holds, one sentence. */
  readonly help: string;
  /** The files of an image `a.png`, and those of the whole, as a person sees them. */
  readonly files: readonly string[];
  /** The folder that images lie in beside the labels; empty where the two lie side by side. */
  readonly imageFolder: string;
  /** Begins an output. */
  open(set: LabelSet, remarks: OutRemarks): OutWriter;
}

/** Writes the images of one output, one after the other. */
export interface OutWriter {
  /**
   * The files of one image.
   * @param at the path that the image has in the output, without its folder; no other has the same stem.
   */
  add(image: LabelledImage, at: ImagePath): readonly OutFile[] | Promise<readonly OutFile[]>;
  /** The files of the whole. */
  finish(): readonly OutFile[];
  /** What a `dataset.json` beside the files says, so that they are read again as they were meant. */
  settings?(): DatasetSettings;
}

/** Where an image lies among the others: `a/b.png` and `a/b`. */
export interface ImagePath {
  readonly path: string;
  readonly stem: string;
}

/** What a format could not hold, collected so that each kind is said once. */
export class OutRemarks {
  private readonly kinds = new Map<string, { count: number; first: string; text: Sentence; cure: string }>();

  /** @param text of how many there are; it follows the name of the first image that it is so of. */
  add(code: string, image: string, count: number, text: Sentence, cure: string): void {
    if (count === 0) return;
    const known = this.kinds.get(code);
    if (known) known.count += count;
    else this.kinds.set(code, { count, first: image, text, cure });
  }

  list(): Refusal[] {
    return [...this.kinds].map(([code, { count, first, text, cure }]) =>
      notice(code, first, text(count), cure),
    );
  }
}

type Sentence = (count: number) => string;

/** What the class of an object is called that has none, in formats that cannot do without. */
export const NO_CLASS = 'object';

/** Numbers of classes, from 1: first those of the set, then others as they come. */
export class ClassNumbers {
  private readonly numbers = new Map<string, number>();

  constructor({ classes }: LabelSet) {
    for (const name of classes) this.number(name);
  }

  /** The names in the order of their numbers. */
  get names(): string[] {
    return [...this.numbers.keys()];
  }

  of({ className = NO_CLASS }: LabelledObject): number {
    return this.number(className);
  }

  private number(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.numbers.size + 1);
    return this.numbers.size;
  }
}

/** Text as the bytes of a file. */
export const textFile = (path: string, text: string): OutFile => ({
  path,
  bytes: new TextEncoder().encode(text),
});

const SAY_IGNORED = 'Use COCO, LabelMe or VOC, which can mark them.';

/** Says that ignored pixels are lost. */
export function remarkOnIgnored({ name, ignored }: LabelledImage, remarks: OutRemarks): void {
  remarks.add(
    'out/ignored',
    name,
    ignored && ignored.length > 0 ? 1 : 0,
    (count) =>
      `The ignored pixels of ${count === 1 ? 'this image' : `${count} images`} are background in this format.`,
    SAY_IGNORED,
  );
}
