/** What a person labels: objects of an image as runs of pixels, their classes, and the steps that can be undone. */

/** Only images that are done are trained on and evaluated. */
export type LabelStatus = 'unlabelled' | 'in-work' | 'done';

/**
 * Who made an object: it came with the dataset, was drawn by hand, answered clicks or a box, was found by the search for
 * all objects, or was an answer that was corrected by hand. `model`: the model's name and, of a tuned one, the run's;
 * `score`: the IoU that the model itself predicted.
 */
export type ObjectOrigin =
  | { readonly kind: 'imported' }
  | { readonly kind: 'drawn' }
  | { readonly kind: 'clicked' | 'corrected'; readonly model: string }
  | { readonly kind: 'found'; readonly model: string; readonly score?: number };

/**
 * The pixels of a mask as runs: start and length alternate. Pixels are counted from 0 at the top left, row by row
 * (y · width + x), so a run may go on in the next row. Starts ascend, and two runs never touch, so equal masks have
 * equal runs.
 */
export type Runs = Uint32Array;

export interface LabelObject {
  /** Unique in its image. */
  readonly id: string;
  /** Value of its class, from 1. */
  readonly classValue: number;
  readonly runs: Runs;
  readonly origin: ObjectOrigin;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly locked: boolean;
  readonly hidden: boolean;
  readonly name?: string;
}

export interface LabelClass {
  /** From 1; unique in its dataset, which lists classes by ascending values. */
  readonly value: number;
  readonly name: string;
  /** As `#rrggbb`. */
  readonly colour: string;
}

export interface ImageLabels {
  readonly status: LabelStatus;
  /** Later ones lie above: of pixels that several objects have, the last keeps them in the dataset's masks. */
  readonly objects: readonly LabelObject[];
  /** Counts the saves; 0 where none was made. */
  readonly revision: number;
  /** Of the image. */
  readonly width: number;
  readonly height: number;
  /** Pixels that take no part: in no loss, click or IoU. Objects lie above them. */
  readonly ignored: Runs;
}

/** Steps of undo and redo, oldest first, which are kept with the image. */
export interface LabelHistory {
  readonly entries: readonly LabelChange[];
  /** How many entries are done; those from here on can be done again. */
  readonly index: number;
}

/** Clicks and a box that have no object yet. */
export interface LabelPrompts {
  /** Unique in its image, from 1; 0 where there is neither a click nor a box. */
  readonly id: number;
  /** Pixels of the image. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly positive: boolean }[];
  readonly box: { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number } | null;
  /** What of the image the model sees to answer them, x1 and y1 outside; null: all of it. */
  readonly region: readonly [x0: number, y0: number, x1: number, y1: number] | null;
}

/** One step: undoing it puts `before` in the place of `after`. */
export interface LabelChange {
  /** What was done, in a word or two: "Brush". */
  readonly title: string;
  readonly objects: readonly ObjectChange[];
  /** Set where prompts changed. */
  readonly prompts?: { readonly before: LabelPrompts; readonly after: LabelPrompts };
  /** Set where pixels that take no part changed. */
  readonly ignored?: { readonly before: Runs; readonly after: Runs };
}

/** An object before and after a step: null before it was made, or once it is gone. */
export interface ObjectChange {
  readonly before: PlacedObject | null;
  readonly after: PlacedObject | null;
}

export interface PlacedObject {
  /** Its place in the list of objects. */
  readonly index: number;
  readonly object: LabelObject;
}

/** Most objects of an image: masks of 16 bits hold 0 for the background and 65,535 for what takes no part. */
export const MOST_OBJECTS = 65_534;

export const NO_RUNS: Runs = new Uint32Array(0);

export const NO_HISTORY: LabelHistory = { entries: [], index: 0 };
