import type { Runs } from '../labels/types.ts';
import type { LazyFile } from '../lazy-file.ts';
import type { Split } from '../types.ts';

/** An object as it goes out. */
export interface LabelledObject {
  readonly runs: Runs;
  readonly className?: string;
  /** How sure its finder was, 0–1. */
  readonly score?: number;
  /** Who made it, in a word or two: "imported", "found by …". */
  readonly origin?: string;
}

/** An image and what is labelled of it. */
export interface LabelledImage {
  /** Its path inside the dataset, with its extension. */
  readonly name: string;
  /** Of the image as it is seen, turned by its EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Later ones lie above: of pixels that several objects have, the last keeps them where a format has one value a pixel. */
  readonly objects: readonly LabelledObject[];
  /** Pixels that take no part. */
  readonly ignored?: Runs;
  /** The split that it is in, where that is settled. */
  readonly split?: Split;
  /** The image itself, for formats that measure it and for an output with the images. */
  readonly file?: LazyFile;
}

/** What is said of all images together. */
export interface LabelSet {
  readonly name: string;
  /** Names of classes in their order; classes that only objects have are added after them. */
  readonly classes: readonly string[];
  /** Colours of classes by their name, as `#rrggbb`. */
  readonly colours?: ReadonlyMap<string, string>;
  /** How long the side of a pixel is. */
  readonly pixelSize?: PixelSize;
}

export interface PixelSize {
  readonly size: number;
  /** As people write it: "µm". */
  readonly unit: string;
}
