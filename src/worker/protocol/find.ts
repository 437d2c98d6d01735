/** All objects of an image, and of whole datasets. Conventions: ../protocol.ts. */

import type { FindSettings } from '../../config/find.ts';
import type { Scale } from '../../data/types.ts';
import type { FindQuality } from '../../engine/find/quality.ts';
import type { FoundObject } from '../../engine/find/select.ts';
import type { SampleRef, SplitName } from './data.ts';
import type { Nothing } from './result.ts';
import type { Variant } from './segment.ts';

export type { FindQuality, FindSettings, FoundObject };

export interface FoundAnswer {
  /** Names the search for `find.select`; the last few are remembered. */
  readonly searchId: string;
  readonly objects: readonly FoundObject[];
  readonly milliseconds: number;
}

/** What was found of one image of a dataset. */
export interface FoundSample {
  readonly sampleId: string;
  readonly objectCount: number;
  /** Whether a person looked at it. */
  readonly isReviewed: boolean;
}

/** A search through a dataset, finished or not. */
export interface FoundDataset {
  readonly datasetId: string;
  readonly settings: FindSettings;
  readonly samples: readonly FoundSample[];
  /** Images of the dataset. */
  readonly imageCount: number;
}

export interface FindFolderRequest {
  readonly datasetIds: readonly string[];
  readonly variant: Variant;
  readonly settings: FindSettings;
}

/** Calls of finding all objects: name → [request, answer]. */
export interface FindCalls {
  /**
   * All objects of an open image. Progress in clicks; cancelling stops before the next ones. `scale`: how the model sees the
   * image, as it was trained.
   */
  'find.run': [
    {
      readonly imageId: string;
      readonly variant: Variant;
      readonly settings: FindSettings;
      readonly scale: Scale;
    },
    FoundAnswer,
  ];
  /** Chooses anew among what a search found, without asking the model. Fails with `find/forgotten`. */
  'find.select': [
    { readonly searchId: string; readonly settings: FindSettings },
    { readonly objects: readonly FoundObject[] },
  ];
  /**
   * All objects of all images of datasets. Progress in images. What was found is on storage image by image: cancelling, or a
   * closed tab, keeps it, and the same request goes on. Another model or other settings begin anew.
   */
  'find.folder': [FindFolderRequest, readonly FoundDataset[]];
  /** What was found in a dataset; null where nothing was looked for. */
  'find.found': [{ readonly datasetId: string }, { readonly found: FoundDataset | null }];
  'find.image': [SampleRef, { readonly objects: readonly FoundObject[] }];
  /** Says that a person looked at what was found of an image. */
  'find.reviewed': [SampleRef, FoundDataset];
  /** Forgets what was found in a dataset. */
  'find.forget': [{ readonly datasetId: string }, Nothing];
  /** How well objects are found that are known. Progress in images. */
  'find.quality': [
    {
      readonly datasetId: string;
      readonly variant: Variant;
      readonly settings: FindSettings;
      readonly split: SplitName;
    },
    FindQuality,
  ];
}
