/** Labels of images, their storage and which image to label next. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type {
  ImageLabels,
  LabelClass,
  LabelHistory,
  LabelObject,
  LabelStatus,
} from '../../data/labels/types.ts';
import type { DatasetInfo, SampleRef } from './data.ts';
import type { Variant } from './segment.ts';

export type { ImageLabels, LabelClass, LabelHistory, LabelObject, LabelStatus };

export interface OpenedLabels {
  /** Of an image that was imported with masks and never saved here: its objects, of origin `imported`. */
  readonly labels: ImageLabels;
  readonly history: LabelHistory;
  readonly classes: readonly LabelClass[];
  /** Set where stored labels could not be read, and those of the dataset's masks are here instead. */
  readonly remark: FailureRecord | null;
}

export interface SavedLabels {
  /** For the next save. */
  readonly revision: number;
  /** Set when the save changed the dataset's counts or masks. */
  readonly dataset: DatasetInfo | null;
}

/** How much it would help to label an image next, or to look at its labels again. */
export interface QueueEntry {
  readonly sampleId: string;
  readonly status: LabelStatus;
  /** 0–1, the larger the sooner; null where it was not computed. */
  readonly score: number | null;
  /** A sentence with its figure. */
  readonly reason: string;
}

export interface QueueRequest {
  readonly datasetId: string;
  readonly variant: Variant;
  /** Lists what is known without computing anything. Default false. */
  readonly onlyKnown?: boolean;
}

/** Calls about labels: name → [request, answer]. */
export interface LabelCalls {
  'labels.open': [SampleRef, OpenedLabels];
  /**
   * Keeps an image's labels; with status `done` its masks are written into the dataset at once. All or nothing.
   * Fails with `labels/other-revision` when the stored revision is not `baseRevision` (another tab saved), with
   * `labels/too-many-objects`, and with `storage/…`.
   */
  'labels.save': [
    SampleRef & {
      readonly labels: ImageLabels;
      readonly history: LabelHistory;
      readonly baseRevision: number;
    },
    SavedLabels,
  ];
  /** Names and colours of a dataset's classes. Fails with `labels/class-in-use` when one is left out that objects have. */
  'labels.setClasses': [
    { readonly datasetId: string; readonly classes: readonly LabelClass[] },
    readonly LabelClass[],
  ];
  /**
   * Unlabelled images and those in work, those that would help most first, then done ones, likely label errors first.
   * Computed once for each model and image, with progress in images. Cancelling keeps what was computed.
   */
  'labels.queue': [QueueRequest, readonly QueueEntry[]];
}
