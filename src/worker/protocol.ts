/**
 * What the page and the engine's worker say to each other: types and small constants, no behaviour.
 *
 * Every call takes one request object and answers a `Result`; nothing is thrown across the border.
 * A call may report progress and may be cancelled. Whatever happens without being asked for
 * (a training step, an evaluation, a lost device) arrives as an `EngineEvent`.
 *
 * Conventions: bytes are integers, times are milliseconds unless a name says otherwise, dates are
 * milliseconds since the epoch, coordinates are pixels of the original picture, x to the right and y down,
 * where (0, 0) is the outer corner of the first pixel and (0.5, 0.5) its centre.
 */

import type { FailureRecord } from '../config/failure.ts';

/* ------------------------------------------------------------------ results */

/** What went wrong, in words for a person: what happened, where (a file, a setting), and what to do about it. */
export type Failure = FailureRecord;

/** The one code the page itself looks at: the person asked to stop, so there is nothing to report. */
export const CANCELLED = 'cancelled';

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Failure };

/* --------------------------------------------------------------------- boot */

export interface BootRequest {
  /** Absolute address of the folder that holds `index.json` and one folder per embedded model, with a final slash. */
  readonly modelBaseUrl: string;
}

export interface BootReport {
  readonly gpu: GpuReport;
  readonly capabilities: Capabilities;
  /** The model that is open now; null when none could be opened (then `modelFailure` says why). */
  readonly model: ModelInfo | null;
  readonly modelFailure: Failure | null;
  /** `navigator.deviceMemory` in GiB (the browser rounds it), null where the browser does not tell. */
  readonly deviceMemoryGiB: number | null;
}

/** `missing`: nothing that needs the GPU works; data stays viewable. */
export type GpuReport = GpuReady | { readonly state: 'missing'; readonly error: Failure };

export interface GpuReady {
  readonly state: 'ready';
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for SwiftShader, llvmpipe and other adapters that compute on the CPU. */
  readonly isSoftware: boolean;
  /** WebGPU feature names that the device has, e.g. "shader-f16", "timestamp-query". */
  readonly features: readonly string[];
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
  };
}

/* ------------------------------------------------- capabilities: screens as data */

/** Everything the Train screen needs to draw itself. The studio knows no method by name. */
export interface Capabilities {
  /** In the registry's order, which is also the order of the heat map's rows. */
  readonly methods: readonly MethodInfo[];
  readonly gateForms: readonly GateFormInfo[];
  readonly presets: readonly PresetInfo[];
  /** Fields of the training itself (steps, learning rates, seed, blocks, clicks …). */
  readonly trainFields: readonly FieldInfo[];
}

export interface MethodInfo {
  /** As in the adapter file: "lora", "prefix", "adapter". */
  readonly id: string;
  readonly label: string;
  /** One sentence: what it adds to the model. */
  readonly help: string;
  /** Index into the studio's method palette; one colour per method everywhere. */
  readonly colourSlot: number;
  readonly fields: readonly FieldInfo[];
}

export interface GateFormInfo {
  readonly id: GateFormId;
  readonly label: string;
  readonly help: string;
}

export type GateFormId = 'unipelt' | 'mass' | 'none';

export interface PresetInfo {
  readonly id: string;
  readonly label: string;
  readonly help: string;
  /** Values by field id; what is not named keeps its default. */
  readonly values: FieldValues;
}

export type FieldInfo = NumberField | ChoiceField | SwitchField;

interface FieldCommon {
  /** Unique over all fields: "train.steps", "lora.rank". */
  readonly id: string;
  readonly label: string;
  readonly help: string;
}

export interface NumberField extends FieldCommon {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Shown after the number, e.g. "steps"; empty when it has none. */
  readonly unit: string;
}

export interface ChoiceField extends FieldCommon {
  readonly kind: 'choice';
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly default: string;
}

export interface SwitchField extends FieldCommon {
  readonly kind: 'switch';
  readonly default: boolean;
}

export type FieldValue = number | string | boolean;
export type FieldValues = Readonly<Record<string, FieldValue>>;

/* -------------------------------------------------------------------- model */

export interface EmbeddedModel {
  /** Folder name below `modelBaseUrl`. */
  readonly id: string;
  readonly label: string;
  readonly bytes: number;
  readonly licence: string;
}

/** The form of `public/models/index.json`. */
export interface ModelIndex {
  readonly default: string;
  readonly models: readonly EmbeddedModel[];
}

export interface ModelInfo {
  /** sha-256 of the weights, as adapters record it. */
  readonly hash: string;
  readonly name: string;
  readonly source: 'embedded' | 'file';
  /** Id of the embedded model; null for a dropped one. */
  readonly embeddedId: string | null;
  readonly parameterCount: number;
  /** The square the picture is scaled into, in pixels. */
  readonly imageSize: number;
  readonly blockCount: number;
  readonly embedDim: number;
  readonly bytes: number;
  /** One line: where the weights come from and under which licence. */
  readonly licence: string;
}

/* --------------------------------------------------------------------- data */

/** A file with its path relative to what was dropped ("images/a.png"); a bare name for a single file. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

export interface AddFilesRequest {
  /** Files of any kind; zips are opened by the worker. */
  readonly files: readonly DroppedFile[];
  /** Add to this dataset instead of making new ones. */
  readonly datasetId?: string;
}

export interface ImportReport {
  readonly datasets: readonly DatasetInfo[];
  /** Everything that was not used, one entry per file, with its sentence. */
  readonly refusals: readonly Failure[];
}

/** How the masks of a dataset were understood. */
export type MaskKind =
  /** At most two values: nonzero is foreground. */
  | 'binary'
  /** JPEG or antialiased grey: cut at 128. */
  | 'cut-at-128'
  /** Integer class labels. */
  | 'labels'
  /** One id per object. */
  | 'instances'
  /** Different kinds in one dataset. */
  | 'mixed'
  /** No image has a mask. */
  | 'none';

export interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly imageCount: number;
  /** Images that have a mask; the others are kept for Segment. */
  readonly maskedCount: number;
  readonly objectCount: number;
  readonly maskKind: MaskKind;
  readonly classes: readonly ClassInfo[];
  readonly split: SplitCounts;
  readonly splitOrder: SplitOrder;
  /** Bytes on this device's storage. */
  readonly bytes: number;
  readonly refusals: readonly Failure[];
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

/** `shuffled`: natural name order shuffled with the seed. `name`: contiguous blocks, for slices of one volume. */
export type SplitOrder = 'shuffled' | 'name';
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

export interface SamplePicture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bitmap: ImageBitmap;
  /** [height, width] row by row, 0 = background; null without a mask. */
  readonly labels: Uint16Array | null;
}

/* -------------------------------------------------------------------- train */

export interface TrainSettings {
  readonly name: string;
  readonly datasetIds: readonly string[];
  /** Ids of `capabilities.methods`; empty = the mask decoder alone. */
  readonly methods: readonly string[];
  readonly trainDecoder: boolean;
  readonly gate: GateFormId;
  /** Every field's value by id (defaults, then preset, then what the person changed). */
  readonly values: FieldValues;
}

export interface PlanReport {
  readonly trainable: readonly { readonly label: string; readonly count: number }[];
  readonly trainableCount: number;
  readonly memory: {
    /** The planner's peak while training, weights included. */
    readonly peakBytes: number;
    readonly parts: readonly { readonly label: string; readonly bytes: number }[];
    /** The largest single buffer the plan needs against what the adapter allows. */
    readonly largestBufferBytes: number;
    readonly bufferLimitBytes: number;
  };
  /** Null until a step of this shape was timed on this device. */
  readonly secondsPerStep: number | null;
  readonly steps: number;
  readonly images: SplitCounts;
  /** What would stop the start; empty = it may start. */
  readonly problems: readonly Failure[];
}

export type RunStatus =
  | 'running'
  | 'pausing'
  | 'paused'
  /** The tab closed or the device was lost while it ran: can go on from its last checkpoint. */
  | 'interrupted'
  | 'stopped'
  | 'finished'
  | 'failed'
  /** Came in as an adapter file; has no history. */
  | 'imported';

export interface RunInfo {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  readonly settings: TrainSettings;
  /** Names as they were when the run started; a dataset may be gone since. */
  readonly datasets: readonly { readonly id: string; readonly name: string }[];
  readonly modelName: string;
  readonly modelHash: string;
  /** True when the open model is the one this run belongs to. */
  readonly fitsModel: boolean;
  readonly created: number;
  readonly updated: number;
  readonly bestStep: number | null;
  /** Mean validation IoU (box and click, over datasets) at `bestStep`. */
  readonly bestScore: number | null;
  readonly secondsPerStep: number | null;
  /** The last checkpoint's step; null when there is none. */
  readonly checkpointStep: number | null;
  readonly failure: Failure | null;
  readonly bytes: number;
  readonly verdict: Verdict | null;
}

export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
  readonly learningRate: number;
  readonly milliseconds: number;
}

export interface EvalPoint {
  readonly step: number;
  readonly datasetId: string;
  readonly split: SplitName;
  /** In 0..1. */
  readonly boxIou: number;
  readonly clickIou: number;
  /** Objects evaluated. */
  readonly n: number;
}

/** Mean gate values over a dataset's validation images, one entry per block, by method id, each in 0..1. */
export interface GatePoint {
  readonly step: number;
  readonly datasetId: string;
  readonly layers: readonly GateLayer[];
}

/** Gate by method id; a method that is not in this block is absent. */
export type GateLayer = Readonly<Record<string, number>>;

export interface RunHistory {
  readonly steps: readonly StepPoint[];
  readonly evals: readonly EvalPoint[];
  readonly gates: readonly GatePoint[];
}

/** Tuned against base on the test images, which took no part in training. */
export interface Verdict {
  readonly box: VerdictMeasure;
  readonly click: VerdictMeasure;
  readonly perDataset: readonly {
    readonly datasetId: string;
    readonly name: string;
    readonly box: VerdictMeasure;
    readonly click: VerdictMeasure;
  }[];
  /** One sentence: did it help, and by how much. */
  readonly sentence: string;
  /** One sentence: what to try next. */
  readonly suggestion: string;
}

export interface VerdictMeasure {
  readonly base: number;
  readonly tuned: number;
  /** 95 % interval of the mean gain (tuned − base), paired by image. */
  readonly gainLow: number;
  readonly gainHigh: number;
  /** Objects. */
  readonly n: number;
  readonly images: number;
}

/* ------------------------------------------------------------------ segment */

/** Which weights answer: the model without modules, or with a run's. */
export type Variant = { readonly kind: 'base' } | { readonly kind: 'run'; readonly runId: string };

export type ImageSource =
  | ({ readonly kind: 'sample' } & SampleRef)
  | { readonly kind: 'file'; readonly file: File };

export interface OpenedImage {
  readonly imageId: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The whole picture, for the canvas. */
  readonly bitmap: ImageBitmap;
}

export interface EmbedReport {
  readonly milliseconds: number;
  /** The gates this picture drew, one entry per block; null for base or an ungated run. */
  readonly gates: readonly GateLayer[] | null;
}

export interface PointPrompt {
  readonly x: number;
  readonly y: number;
  readonly positive: boolean;
}

export interface BoxPrompt {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface PredictRequest {
  readonly imageId: string;
  readonly variant: Variant;
  readonly points: readonly PointPrompt[];
  readonly box: BoxPrompt | null;
  /** Feed the low-resolution logits of an earlier candidate back as mask prompt. */
  readonly previous: { readonly predictionId: string; readonly candidate: number } | null;
}

export interface Prediction {
  readonly predictionId: string;
  /**
   * Best predicted IoU first. After a single click the three masks of tokens 1–3; after a box or several
   * prompts token 0 first, then the three.
   */
  readonly candidates: readonly Candidate[];
  readonly milliseconds: number;
}

export interface Candidate {
  /** [height, width] of the original picture, row by row, 0 or 1. */
  readonly mask: Uint8Array;
  readonly predictedIou: number;
  /** Index of the mask token, 0..3. */
  readonly token: number;
  /** Foreground pixels. */
  readonly area: number;
}

export interface KeptMask {
  readonly id: string;
  /** File name of the picture. */
  readonly imageName: string;
  /** "base" or the run's name. */
  readonly variantLabel: string;
  readonly created: number;
  readonly area: number;
  readonly bytes: number;
}

/* ------------------------------------------------------------------- output */

/** A file to hand to the person. */
export interface OutputFile {
  readonly name: string;
  readonly mime: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/* -------------------------------------------------------------------- calls */

/** Nothing to ask, nothing to answer. */
export type Nothing = Record<string, never>;

/** Every call: name → [request, answer]. */
export interface EngineCalls {
  /** First call. Asks for the adapter (high performance), opens the embedded default model, lists capabilities. */
  boot: [BootRequest, BootReport];
  /** After a lost device: ask for a new one and reopen the model. */
  'gpu.recover': [Nothing, GpuReport];
  /** Again after another model was opened: some defaults and limits depend on its sizes. */
  capabilities: [Nothing, Capabilities];

  'model.list': [Nothing, ModelIndex];
  /** Progress in bytes. */
  'model.openEmbedded': [{ readonly id: string }, ModelInfo];
  /** One safetensors file, with or without config.json and preprocessor_config.json. Progress in bytes. */
  'model.openFiles': [{ readonly files: readonly DroppedFile[] }, ModelInfo];

  /** Progress in files. Cancelling keeps what was finished. */
  'data.addFiles': [AddFilesRequest, ImportReport];
  /** Draws three small domains. Progress in images. */
  'data.addDemo': [Nothing, ImportReport];
  'data.list': [Nothing, readonly DatasetInfo[]];
  'data.rename': [{ readonly datasetId: string; readonly name: string }, DatasetInfo];
  'data.delete': [{ readonly datasetId: string }, Nothing];
  'data.setSplitOrder': [{ readonly datasetId: string; readonly order: SplitOrder }, DatasetInfo];
  'data.samples': [{ readonly datasetId: string }, readonly SampleInfo[]];
  /** The picture scaled so that its longer side is `size`, with the mask laid over it where `overlay`. */
  'data.thumbnail': [
    SampleRef & { readonly size: number; readonly overlay: boolean },
    { readonly bitmap: ImageBitmap },
  ];
  'data.picture': [SampleRef, SamplePicture];

  'train.plan': [TrainSettings, PlanReport];
  /** Answers when the run exists and its first step is under way; what follows comes as events. */
  'train.start': [TrainSettings, RunInfo];
  /** Goes on with a paused, interrupted or stopped run from its last checkpoint. */
  'train.resume': [{ readonly runId: string }, RunInfo];
  /** Finishes the step under way, writes a checkpoint. */
  'train.pause': [{ readonly runId: string }, RunInfo];
  /** Ends the run: keeps the best checkpoint and gives its verdict. */
  'train.stop': [{ readonly runId: string }, RunInfo];
  'train.list': [Nothing, readonly RunInfo[]];
  'train.history': [{ readonly runId: string }, RunHistory];
  'train.rename': [{ readonly runId: string; readonly name: string }, RunInfo];
  'train.delete': [{ readonly runId: string }, Nothing];

  'segment.open': [ImageSource, OpenedImage];
  /** Encodes the picture for a variant; `predict` does it itself when it was not done. */
  'segment.embed': [{ readonly imageId: string; readonly variant: Variant }, EmbedReport];
  'segment.predict': [PredictRequest, Prediction];
  'segment.maskPng': [{ readonly predictionId: string; readonly candidate: number }, OutputFile];
  /** Keeps a mask for Export, on this device's storage. */
  'segment.keep': [{ readonly predictionId: string; readonly candidate: number }, KeptMask];
  'segment.kept': [Nothing, readonly KeptMask[]];
  'segment.deleteKept': [{ readonly id: string }, Nothing];

  /** adapter.safetensors and adapter.json. */
  'output.adapter': [{ readonly runId: string }, readonly OutputFile[]];
  'output.historyCsv': [{ readonly runId: string }, OutputFile];
  /** Every kept mask as PNG, in one zip. */
  'output.masksZip': [Nothing, OutputFile];
  /** An adapter's safetensors and json (in any order, or both in a zip); becomes a run of status `imported`. */
  'output.importAdapter': [{ readonly files: readonly DroppedFile[] }, RunInfo];
}

export type CallName = keyof EngineCalls;
export type RequestOf<K extends CallName> = EngineCalls[K][0];
export type AnswerOf<K extends CallName> = EngineCalls[K][1];

/* ------------------------------------------------------------------- events */

export type EngineEvent =
  | { readonly type: 'step'; readonly runId: string; readonly point: StepPoint }
  | { readonly type: 'eval'; readonly runId: string; readonly point: EvalPoint }
  | { readonly type: 'gates'; readonly runId: string; readonly point: GatePoint }
  /** Status, progress, best checkpoint, failure or verdict of a run changed. */
  | { readonly type: 'run'; readonly run: RunInfo }
  /** What the engine is doing inside a run: "validating", "writing a checkpoint", "measuring on the test images". */
  | {
      readonly type: 'activity';
      readonly runId: string;
      readonly label: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly type: 'device-lost'; readonly error: Failure }
  | { readonly type: 'log'; readonly level: 'info' | 'warning' | 'error'; readonly text: string };

/* ------------------------------------------------------- messages on the wire */

export interface Progress {
  readonly done: number;
  /** 0 when it is not known. */
  readonly total: number;
  readonly label: string;
}

/** Page → worker. */
export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly name: CallName; readonly request: unknown }
  | { readonly kind: 'cancel'; readonly id: number };

/** Worker → page. */
export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly result: Result<unknown> }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'event'; readonly event: EngineEvent };
