/** All objects of an image, and of whole datasets. Conventions: ../protocol.ts. */

import type { FindSettings, FindThresholds } from '../../config/find.ts';
import type { Scale } from '../../data/types.ts';
import type { Calibration } from '../../engine/find/calibrate.ts';
import type { FindQuality } from '../../engine/find/quality.ts';
import type { FoundObject } from '../../engine/find/select.ts';
import type { FindCounts } from '../../engine/find/thresholds.ts';
import type { SampleRef, SplitName } from './data.ts';
import type { Nothing } from './result.ts';
import type { Variant } from './segment.ts';

export type { Calibration, FindCounts, FindQuality, FindSettings, FoundObject };

/** What of a search passes thresholds. */
export interface FoundSelection {
  readonly objects: readonly FoundObject[];
  /** Thresholds that leave something, where there is no object; null too where the model answered nothing. */
  readonly looser: FindThresholds | null;
}

/** How the classes of objects were told. */
export interface ToldClasses {
  /** Known objects that could be told without themselves, and how many of them rightly. */
  readonly objects: number;
  readonly right: number;
}

export interface FoundAnswer extends FoundSelection {
  /** Names the search for `find.select`; the last few are remembered. */
  readonly searchId: string;
  /** Null where the dataset has not two classes of labelled objects. */
  readonly classes: ToldClasses | null;
  readonly milliseconds: number;
}

/** What was found of one image of a dataset. */
export interface FoundSample {
  readonly sampleId: string;
  readonly objectCount: number;
  /** Whether a person looked at it. */
  readonly isReviewed: boolean;
}

/** What of an image waits to be reviewed. */
export interface WaitingObjects {
  readonly objects: readonly FoundObject[];
  /** What the model that found them is called, with the run's name; null where that was not kept. */
  readonly modelName: string | null;
}

/** A search through a dataset, finished or not. */
export interface FoundDataset {
  readonly datasetId: string;
  readonly settings: FindSettings;
  /** What the model that found it is called, with the run's name; null where that was not kept. */
  readonly modelName: string | null;
  readonly samples: readonly FoundSample[];
  /** Images of the dataset. */
  readonly imageCount: number;
}

/** A search through datasets that was not finished. */
export interface FindJob extends FindFolderRequest {
  /** The base model that it was begun with, and whether that one is open: it goes on with no other. */
  readonly modelName: string;
  readonly isModelOpen: boolean;
  /** Whether it is under way, here or in another tab. */
  readonly isUnderWay: boolean;
}

export interface FindFolderRequest {
  readonly datasetIds: readonly string[];
  readonly variant: Variant;
  readonly settings: FindSettings;
  /** The dataset whose labelled images show what is looked for, where the settings ask for likeness. */
  readonly taughtBy?: string;
}

/** Calls of finding all objects: name → [request, answer]. */
export interface FindCalls {
  /**
   * All objects of an open image. Progress in clicks; cancelling stops before the next ones. `scale`: how the model sees the
   * image, as it was trained. `datasetId`: whose labelled objects tell the classes; null for a file of no dataset. `taughtBy`: as
   * for a dataset. Fails with `find/no-likeness`, as whatever else takes settings and `taughtBy`.
   */
  'find.run': [
    {
      readonly imageId: string;
      readonly variant: Variant;
      readonly settings: FindSettings;
      readonly scale: Scale;
      readonly datasetId: string | null;
      readonly taughtBy?: string;
    },
    FoundAnswer,
  ];
  /** Chooses anew among what a search found, without asking the model. Fails with `find/forgotten`. */
  'find.select': [{ readonly searchId: string; readonly settings: FindSettings }, FoundSelection];
  /**
   * All objects of all images of datasets. Progress in images and shares of them. What was found is on storage image by image: cancelling, or a
   * closed tab, keeps it, and the same request goes on. Another model or other settings begin anew. Fails with
   * `find/other-tab`: of all tabs one searches datasets at a time.
   */
  'find.folder': [FindFolderRequest, readonly FoundDataset[]];
  /** The search of datasets that was begun last, where it was not finished; those that were deleted are left out. */
  'find.job': [Nothing, { readonly job: FindJob | null }];
  /** What was found in a dataset; null where nothing was looked for. */
  'find.found': [{ readonly datasetId: string }, { readonly found: FoundDataset | null }];
  /** What of an image waits to be reviewed, whether it was found with its dataset or alone; null where nothing does. */
  'find.image': [SampleRef, { readonly waiting: WaitingObjects | null }];
  /** Keeps what is left to review of an image. `searchId`: of the search that found it, if that was of the image alone. */
  'find.keep': [
    { readonly ref: SampleRef; readonly searchId: string | null; readonly objects: readonly FoundObject[] },
    Nothing,
  ];
  /** Says that a person looked at all that was found of an image; null where its dataset was not searched. */
  'find.reviewed': [SampleRef, { readonly found: FoundDataset | null }];
  /**
   * Keeps a `found.jsonl` of the command line with the dataset whose images it is of, in place of what was found there; null
   * where there is no such dataset. Fails with `data/in-use` while that dataset is searched, in any tab.
   */
  'find.bring': [{ readonly file: File }, { readonly found: FoundDataset | null }];
  /**
   * Chooses thresholds by some labelled images of a dataset, of its validation images where those are labelled, and learns
   * there what is looked for. Null where no object is known. Progress in images.
   */
  'find.calibrate': [
    { readonly datasetId: string; readonly variant: Variant; readonly settings: FindSettings },
    Calibration | null,
  ];
  /** How well objects are found that are known. Progress in images. */
  'find.quality': [
    {
      readonly datasetId: string;
      readonly variant: Variant;
      readonly settings: FindSettings;
      readonly split: SplitName;
      readonly taughtBy?: string;
    },
    FindQuality,
  ];
}
