/** Datasets, their images and what was refused. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { LabelStatus } from '../../data/labels/types.ts';
import type { ChannelChoice, MaskMeaning, MaskSamples, RunOrder } from '../../data/reading/reading.ts';
import type { DatasetSettings } from '../../data/reading/settings.ts';
import type { SplitOrder } from '../../data/split.ts';
import type { DatasetMaskKind, Scale } from '../../data/types.ts';
import type { Nothing } from './result.ts';

/** A file with its path relative to what was dropped ("images/a.png"); a bare name for a single file. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

export interface ImportReport {
  readonly datasets: readonly DatasetInfo[];
  /** Everything that was not used, one entry per file, with its sentence. */
  readonly refusals: readonly FailureRecord[];
}

export type { ChannelChoice, DatasetMaskKind, DatasetSettings, MaskMeaning, MaskSamples, Scale };

/** A drop that was looked at and waits to be imported. The worker keeps one at a time. */
export interface DropPreview {
  readonly dropId: string;
  readonly datasets: readonly DatasetPreview[];
  /** What was left out while files were sorted into datasets. */
  readonly refusals: readonly FailureRecord[];
}

/** What a dataset would be if it were imported now. */
export interface DatasetPreview {
  /** Its place in the drop. */
  readonly index: number;
  readonly name: string;
  readonly imageCount: number;
  /** Images with a mask, whether it can be read or not. */
  readonly maskedCount: number;
  /** How the masks are read that objects come from; null when there are none, or they cannot be read. */
  readonly reading: ReadingInfo | null;
  /** How runs are counted of a file that does not say it; null where masks come from no such file. */
  readonly runs: RunOrder | null;
  /** A sentence for each part of the reading: what, and how it is known. */
  readonly evidence: readonly string[];
  /** What is not certain of the reading, and masks that are left out for it. */
  readonly remarks: readonly FailureRecord[];
  /** By the objects of `samples`: over all objects it is decided when the dataset is imported. Null without masks. */
  readonly scale: ScaleInfo | null;
  /** Which channels are shown of images that have two or more than three; null where they have not. */
  readonly channels: ChannelInfo | null;
  /** Up to three images with their objects: the first, the middle and the last with a mask. */
  readonly samples: readonly PreviewSample[];
}

/** How a model sees the images of a dataset; sizes are in pixels. */
export interface ScaleInfo {
  readonly chosen: Scale;
  /** At which the open model sees the median object wide enough; null where sizes are not known. */
  readonly suggested: Scale | null;
  /** The longer side of the largest image; null where it is not known. */
  readonly longestSide: number | null;
  /** How wide the open model sees objects; null where that is not known, or there is none. */
  readonly sentence: string | null;
  /** Why the suggested crops are better than what is chosen; null where they are not, or not known. */
  readonly closer: string | null;
  /** Objects that the open model sees too small to be trained on or measured. */
  readonly tooSmall: FailureRecord | null;
}

export interface ChannelInfo {
  /** How many the images have. */
  readonly of: number;
  readonly shown: ChannelChoice;
}

/** A reading in the words of {@link DatasetSettings}: `255`, `#8c5a1e`, `transparent`, `nan`, `none`. */
export interface ReadingInfo {
  readonly samples: MaskSamples;
  readonly meaning: MaskMeaning;
  readonly background: string;
  readonly ignored: readonly string[];
  /** Of smoothed masks. */
  readonly threshold: number | null;
  /** The values that others count as; null where each counts as it stands. */
  readonly levels: readonly string[] | null;
  /** Values that occur, to choose among, with their share of all pixels (0–1), the largest first: at most 64, of objects
   * 12, and those that are background or ignored. */
  readonly values: readonly { readonly value: string; readonly share: number }[];
}

export interface PreviewSample {
  readonly name: string;
  /** Of the image itself. */
  readonly width: number;
  readonly height: number;
  readonly objectCount: number;
  /** The image scaled to the size that was asked for. */
  readonly image: ImageBitmap;
  /** Its objects alone, to lie over it, and what is ignored hatched. */
  readonly objects: ImageBitmap;
}

export interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly imageCount: number;
  /** Images that have a mask; the others are kept for Segment. */
  readonly maskedCount: number;
  /** Images by how far they are labelled; those that came with a mask are done. */
  readonly labelling: LabellingCounts;
  readonly objectCount: number;
  readonly maskKind: DatasetMaskKind;
  readonly classes: readonly ClassInfo[];
  readonly split: SplitCounts;
  readonly splitOrder: SplitOrder;
  /** Bytes on this device's storage. */
  readonly bytes: number;
  readonly refusals: readonly FailureRecord[];
  /** How its masks are read, one sentence for each part; none of datasets that were stored before it was said. */
  readonly evidence: readonly string[];
  readonly scale: ScaleInfo;
  /** The samples that its card shows. */
  readonly shown: readonly ShownSample[];
}

export interface LabellingCounts {
  readonly unlabelled: number;
  readonly inWork: number;
  readonly done: number;
  /** Of all these, those whose labels were made or changed here. */
  readonly madeHere: number;
}

export type ShownSample = Pick<SampleInfo, 'id' | 'name' | 'objectCount'>;

/** A dataset that was half saved, or whose description is damaged. */
export interface BrokenDataset {
  readonly id: string;
  /** Bytes on this device's storage. */
  readonly bytes: number;
  readonly failure: FailureRecord;
}

export interface ClassInfo {
  /** Value in the label map. */
  readonly value: number;
  readonly name: string;
  readonly objectCount: number;
}

export interface SplitCounts {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

export type { SplitOrder };
export type SplitName = 'train' | 'validation' | 'test';

export interface SampleInfo {
  readonly id: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly objectCount: number;
  /** Whether it is done: it came with a mask, or was labelled here. */
  readonly hasMask: boolean;
  readonly status: LabelStatus;
  /** Null without a mask. */
  readonly split: SplitName | null;
}

export interface SampleRef {
  readonly datasetId: string;
  readonly sampleId: string;
}

/** A small image for a list, or a larger one for a card, which has the mask laid over. */
export type ThumbnailKind = 'list' | 'card';

export interface SampleImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bitmap: ImageBitmap;
  /** [height, width] row by row, 0 = background, 65,535 = ignored; null without a mask. */
  readonly labels: Uint16Array | null;
}

/** Calls about datasets: name → [request, answer]. */
export interface DataCalls {
  /** Draws datasets: three small domains, or the first minute's cells, split. Progress in images. */
  'data.addDemo': [{ readonly which: 'domains' | 'cells' }, ImportReport];
  /**
   * Looks at a drop of files of any kind, zips included, without storing it; the last one is forgotten. `size` is the longer side of the preview's images.
   * Progress in images.
   */
  'data.preview': [{ readonly files: readonly DroppedFile[]; readonly size: number }, DropPreview];
  /** A dataset of the drop with other settings; what they leave out is inferred. Looks at no mask again. */
  'data.previewWith': [
    {
      readonly dropId: string;
      readonly index: number;
      readonly settings: DatasetSettings;
      readonly size: number;
    },
    DatasetPreview,
  ];
  /**
   * Imports the drop, every dataset with its settings (by index; none: as inferred), and forgets it. Progress in
   * files. Cancelling keeps the datasets that were finished.
   */
  'data.import': [
    { readonly dropId: string; readonly settings: Readonly<Record<number, DatasetSettings>> },
    ImportReport,
  ];
  /** Forgets a drop. */
  'data.discard': [{ readonly dropId: string }, Nothing];
  'data.list': [Nothing, readonly DatasetInfo[]];
  /** What is stored of datasets that cannot be opened; `data.delete` frees its bytes. */
  'data.broken': [Nothing, readonly BrokenDataset[]];
  'data.rename': [{ readonly datasetId: string; readonly name: string }, DatasetInfo];
  'data.delete': [{ readonly datasetId: string }, Nothing];
  'data.setSplitOrder': [{ readonly datasetId: string; readonly order: SplitOrder }, DatasetInfo];
  /** Changes how a model sees its images in runs that are started from now on. */
  'data.setScale': [{ readonly datasetId: string; readonly scale: Scale }, DatasetInfo];
  'data.samples': [{ readonly datasetId: string }, readonly SampleInfo[]];
  'data.thumbnail': [SampleRef & { readonly kind: ThumbnailKind }, { readonly bitmap: ImageBitmap }];
  'data.image': [SampleRef, SampleImage];
}
