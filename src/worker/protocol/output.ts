/** Files for the person. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { DroppedFile } from './data.ts';
import type { Nothing } from './result.ts';
import type { RunInfo } from './train.ts';

/** A file to hand to the person. */
export interface OutputFile {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A format in which labels go out. */
export interface OutFormatInfo {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  /** The name of its only file, where it has one for all images; null where it has files for each. */
  readonly onlyFile: string | null;
}

/** Whose labels: those of the images of a dataset that are done, or the masks kept in Segment. */
export type LabelSource =
  | { readonly kind: 'dataset'; readonly datasetId: string }
  | { readonly kind: 'kept' };

export interface LabelsRequest {
  readonly source: LabelSource;
  /** Id of a format. */
  readonly format: string;
  /** Adds the images themselves, of a dataset. */
  readonly withImages: boolean;
  /** The side of a pixel, for measurements. */
  readonly pixelSize: { readonly size: number; readonly unit: string } | null;
  /** Where the person wants the file; null for the file as the answer. */
  readonly to: FileSystemFileHandle | null;
}

export interface WrittenLabels {
  readonly images: number;
  readonly objects: number;
  /** Null when it was written where the person wanted it. */
  readonly file: Blob | null;
  /** What the format could not hold. */
  readonly remarks: readonly FailureRecord[];
}

/** A form in which a run's tuned model can leave, with the reason where it cannot. */
export interface ExportFormInfo {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  readonly refusal: FailureRecord | null;
}

export interface ExportChoices {
  readonly forms: readonly ExportFormInfo[];
  /** Names of the datasets that the adapter tells apart, one of which has to be chosen; empty where it tells none apart. */
  readonly datasets: readonly string[];
}

export interface ExportRequest {
  readonly runId: string;
  /** Id of a form. */
  readonly form: string;
  /** One of {@link ExportChoices.datasets}. */
  readonly dataset: string | null;
  /** Where the person wants the zip; null for the file as the answer. */
  readonly to: FileSystemFileHandle | null;
}

/** Calls of Export: name → [request, answer]. */
export interface OutputCalls {
  /** adapter.safetensors and adapter.json. */
  'output.adapter': [{ readonly runId: string }, readonly OutputFile[]];
  /** What a run can be for other programs. Fails with `adapter/other-model` where another base model is open. */
  'output.exportChoices': [{ readonly runId: string }, ExportChoices];
  /** A run in one of these forms, as a zip, with progress. */
  'output.export': [ExportRequest, { readonly file: Blob | null }];
  'output.historyCsv': [{ readonly runId: string }, OutputFile];
  /** A run's settings, split, figures and charts as one HTML file that needs nothing else. */
  'output.report': [{ readonly runId: string }, OutputFile];
  'output.formats': [Nothing, readonly OutFormatInfo[]];
  /**
   * Labels in a format: its only file, or one zip, written as it is made, with progress in images. Fails with
   * `out/nothing` when there are none, and with `out/…` naming an image that is too much for the format.
   */
  'output.labels': [LabelsRequest, WrittenLabels];
  /** Every kept mask as PNG, in one zip. */
  'output.masksZip': [Nothing, OutputFile];
  /** A kept mask as PNG. */
  'output.keptMask': [{ readonly id: string }, OutputFile];
  /** Whether a zip is that of an adapter, and of nothing else that is read here. */
  'output.isAdapterZip': [{ readonly file: DroppedFile }, { readonly isAdapter: boolean }];
  /** An adapter's safetensors and json (in any order, or both in a zip); becomes a run of status `imported`. */
  'output.importAdapter': [{ readonly files: readonly DroppedFile[] }, RunInfo];
}
