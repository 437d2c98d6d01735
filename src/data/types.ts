/**
 * The serialisable data types that screens, the worker and the trainer share. Types only: nothing here runs. Sizes
 * are in pixels of the original image unless a name says otherwise; boxes are [x0, y0, x1, y1) with x1 and y1
 * outside.
 */

import type { LabelStatus } from './labels/types.ts';
import type { DatasetReading } from './reading/reading.ts';

/** A file that was dropped or found: its path with `/` between folders, and its size in bytes. */
export interface ImageFile {
  readonly path: string;
  readonly size: number;
}

/** Whether a file was left out (`refused`) or was used with something to tell the person (`notice`). */
export type RefusalSeverity = 'refused' | 'notice';

/** One clear sentence about a file, and what to do about it. */
export interface Refusal {
  /** The path as it was given, inside its zip when it came from one. */
  readonly file: string;
  /** Stable kind for programs, e.g. `data/png-damaged`. */
  readonly code: string;
  /** What happened, one sentence. */
  readonly reason: string;
  /** What the person can do, one sentence. */
  readonly cure: string;
  readonly severity: RefusalSeverity;
}

/** A value, or the sentence why there is none. Nothing in `src/data` throws for what a file contains. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** Formats that are read, as a file's first bytes show them. */
export type ImageFormat =
  | 'png'
  | 'jpeg'
  | 'tiff'
  | 'webp'
  | 'bmp'
  | 'pnm'
  | 'gif'
  | 'avif'
  | 'heic'
  | 'nifti'
  | 'npy'
  | 'dicom';

/**
 * How a mask was understood. `binary`: what is not background is foreground. `threshold`: so are, in a smoothed or
 * lossy mask, the values on one side of a threshold. `labels`: values are class labels. `instances`: values are object
 * ids.
 */
export type MaskKind = 'binary' | 'threshold' | 'labels' | 'instances';

/** How the masks of a dataset were understood; `mixed`: its images differ, `none`: no image has a mask. */
export type DatasetMaskKind = MaskKind | 'mixed' | 'none';

/** Which of a sample's files its objects come from. */
export type ObjectSource = 'instances' | 'labels' | 'masks';

/** An RGB image, rows top to bottom, 3 bytes a pixel: data[(y·width + x)·3 + c]. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** One integer a pixel, 0 is background, -1 (`IGNORED`) takes no part: data[y·width + x]. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly data: Int32Array;
}

/** One byte a pixel, 0 or 1: data[y·width + x]. */
export interface BinaryMask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A box [x0, y0, x1, y1) in original pixels; as a prompt it is used as it stands. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** One object of an image. */
export interface ObjectRegion {
  /** 1, 2, … in the order largest first; the value of its pixels in {@link ObjectSet.map}. */
  readonly id: number;
  /** The value it has in the file: an object id of instances/, else a class label, 1 for a binary mask. */
  readonly label: number;
  /** Pixels. */
  readonly area: number;
  readonly box: Box;
}

/** An object as it is reported: its class, 0 when its pixels have none, its pixels and its box. */
export interface ObjectFacts {
  readonly class: number;
  readonly area: number;
  readonly box: Box;
}

/** The objects of an image and where they are: a pixel of `map` holds its object's id, 0, or -1 (`IGNORED`). */
export interface ObjectSet {
  readonly width: number;
  readonly height: number;
  readonly map: Int32Array;
  readonly regions: readonly ObjectRegion[];
}

/**
 * How an image of more than 8 bits became 8: values at or under `low` are 0, at or over `high` 255, linear between,
 * where `low` and `high` are the two percentiles of all its values, all channels together.
 */
export interface DepthMapping {
  readonly lowPercentile: number;
  readonly highPercentile: number;
  readonly low: number;
  readonly high: number;
}

/** How a model sees the images of a dataset: whole, or in crops of so many pixels a side at the images' own scale. */
export type Scale = 'whole' | number;

/** How large the objects of a dataset are: for each size of its images, how many objects have an area, in pixels. */
export type ObjectSizes = readonly {
  readonly width: number;
  readonly height: number;
  /** Areas ascending. */
  readonly areas: readonly (readonly [area: number, count: number])[];
}[];

export type Split = 'train' | 'val' | 'test';

/** Where the files of one sample are; `name` is the image's path inside its dataset and sorts the samples. */
export interface SampleFiles {
  readonly name: string;
  readonly image: string;
  readonly mask?: string;
  readonly instances?: string;
  readonly labels?: string;
  /** Masks that hold one object each. */
  readonly objectMasks?: readonly string[];
  /** The split that its folders name. */
  readonly split?: Split;
}

/** What a screen shows of one sample after it was checked. */
export interface Sample {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Absent when the image has no usable mask: it is kept for Segment. */
  readonly maskKind?: MaskKind;
  readonly source?: ObjectSource;
  /** Objects of any size. */
  readonly objects: number;
  /** Class labels seen, ascending; [1] for a binary mask. */
  readonly labels: readonly number[];
  /** Foreground share of the image, 0–1. */
  readonly foreground: number;
  /** Set when the image has more than 8 bits. */
  readonly depth?: DepthMapping;
}

/** What a card shows of one dataset. */
export interface DatasetSummary {
  readonly name: string;
  readonly images: number;
  /** Images with a usable mask (an empty one included). */
  readonly labelled: number;
  readonly unlabelled: number;
  /** Labelled images whose mask has no foreground. */
  readonly empty: number;
  readonly objects: number;
  readonly labels: readonly number[];
  readonly maskKinds: Readonly<Record<MaskKind, number>>;
  /** Bytes of all files that are kept. */
  readonly bytes: number;
  readonly widths: readonly [min: number, max: number];
  readonly heights: readonly [min: number, max: number];
}

/** How far reading files has come. */
export interface ReadProgress {
  readonly done: number;
  readonly total: number;
  readonly file: string;
}

/** What is in storage of a dataset that cannot be opened: it was half saved, or its description is damaged. */
export interface UnreadableDataset {
  readonly id: string;
  readonly bytes: number;
  readonly refusal: Refusal;
}

/** A dataset that is kept in storage. */
export interface StoredDataset {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Bytes of its files and its manifest, by the manifest. */
  readonly bytes: number;
  readonly summary: DatasetSummary;
  readonly samples: readonly Sample[];
  /** The split that its folders name for each sample; undefined where they name none. */
  readonly splits: readonly (Split | undefined)[];
  /** How far each sample is labelled: done where it came with a mask that can be used, until a person says otherwise. */
  readonly statuses: readonly LabelStatus[];
  /** For each sample the revision of its labels that its status and masks are of; 0 where none were made here. */
  readonly revisions: readonly number[];
  /** How its masks are read, and what that was inferred from. */
  readonly reading: DatasetReading | 'per-file';
  readonly evidence: readonly string[];
  /** Names of classes by their label. */
  readonly classNames: Readonly<Record<string, string>>;
  /** Colours that a person gave to classes, as `#rrggbb`, by their label. */
  readonly classColours: Readonly<Record<string, string>>;
  /** Objects by class label; null where no image was labelled in the studio. */
  readonly classObjects: Readonly<Record<string, number>> | null;
  readonly scale: Scale;
  /** Null of datasets that were stored before sizes were kept. */
  readonly sizes: ObjectSizes | null;
}
