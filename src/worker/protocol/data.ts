/** Datasets, their images and what was refused. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { SplitOrder } from '../../data/split.ts';
import type { DatasetMaskKind } from '../../data/types.ts';
import type { Nothing } from './result.ts';

/** A file with its path relative to what was dropped ("images/a.png"); a bare name for a single file. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

export interface AddFilesRequest {
  /** Files of any kind; zips are opened by the worker. */
  readonly files: readonly DroppedFile[];
}

export interface ImportReport {
  readonly datasets: readonly DatasetInfo[];
  /** Everything that was not used, one entry per file, with its sentence. */
  readonly refusals: readonly FailureRecord[];
}

export type { DatasetMaskKind };

export interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly imageCount: number;
  /** Images that have a mask; the others are kept for Segment. */
  readonly maskedCount: number;
  readonly objectCount: number;
  readonly maskKind: DatasetMaskKind;
  readonly classes: readonly ClassInfo[];
  readonly split: SplitCounts;
  readonly splitOrder: SplitOrder;
  /** Bytes on this device's storage. */
  readonly bytes: number;
  readonly refusals: readonly FailureRecord[];
}

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
  readonly hasMask: boolean;
  /** Null without a mask. */
  readonly split: SplitName | null;
}

export interface SampleRef {
  readonly datasetId: string;
  readonly sampleId: string;
}

export interface SampleImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bitmap: ImageBitmap;
  /** [height, width] row by row, 0 = background; null without a mask. */
  readonly labels: Uint16Array | null;
}

/** Calls about datasets: name → [request, answer]. */
export interface DataCalls {
  /** Progress in files. Cancelling keeps the datasets that were finished. */
  'data.addFiles': [AddFilesRequest, ImportReport];
  /** Draws three small domains. Progress in images. */
  'data.addDemo': [Nothing, ImportReport];
  'data.list': [Nothing, readonly DatasetInfo[]];
  /** What is stored of datasets that cannot be opened; `data.delete` frees its bytes. */
  'data.broken': [Nothing, readonly BrokenDataset[]];
  'data.rename': [{ readonly datasetId: string; readonly name: string }, DatasetInfo];
  'data.delete': [{ readonly datasetId: string }, Nothing];
  'data.setSplitOrder': [{ readonly datasetId: string; readonly order: SplitOrder }, DatasetInfo];
  'data.samples': [{ readonly datasetId: string }, readonly SampleInfo[]];
  /** The image scaled so that its longer side is `size`, with the mask laid over it where `overlay`. */
  'data.thumbnail': [
    SampleRef & { readonly size: number; readonly overlay: boolean },
    { readonly bitmap: ImageBitmap },
  ];
  'data.image': [SampleRef, SampleImage];
}
