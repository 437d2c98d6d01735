/** What a run is to those who start and watch it: the worker and the command line. */
import type { FailureRecord } from '../../config/failure.ts';
import type { Settings } from '../../config/field.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Scale, Split } from '../../data/types.ts';
import type { Gpu } from '../../gpu/gpu.ts';
import type { DataThread } from '../../train/data-port.ts';
import type { ProfileEvent } from '../../train/events.ts';
import type { PlanRequest } from '../../train/plan-training.ts';
import type { TrainingPlans } from '../../train/plans.ts';
import type { GpuQueue } from '../gpu-queue.ts';
import type { OpenModel } from '../model.ts';
import type { Tuning } from '../tuning.ts';
import type { AdapterSize } from '../worth/prune.ts';
import type { Look } from './looks.ts';
import type { MetricsLine } from './metrics.ts';
import type { RunConfig, RunDatasetName, RunFiles } from './run-files.ts';
import type { Verdict } from './verdict-file.ts';

/** Names of a dataset's labelled images by split. */
export type SplitOf = Readonly<Record<Split, readonly string[]>>;

/** A dataset with its part in a run. */
export interface RunDataset extends RunDatasetName {
  readonly dataset: Dataset;
  readonly split: SplitOf;
}

/** What a run stands on. */
export interface RunParts {
  readonly gpu: Gpu;
  readonly queue: GpuQueue;
  readonly model: OpenModel;
  readonly files: RunFiles;
  /** The run before, with which the verdict compares this one. */
  readonly earlier?: EarlierRun;
  /** How people call the run; recorded in adapter.json. */
  readonly name?: string;
  /** Plans what is to run; in this thread unless it is given. */
  readonly plan?: (request: PlanRequest) => Promise<TrainingPlans>;
  readonly observer?: RunObserver;
  /** Aborted where the run shall leave off before it has begun; starting or resuming it then rejects with the reason. */
  readonly leaving?: AbortSignal;
  /** Opens the thread that decodes and prepares the run's images; without it that is done in this one. */
  readonly openDataThread?: () => DataThread;
  /** Most bytes that are kept of decoded images; default `CACHE_BYTES`. */
  readonly cacheBytes?: number;
  /** Asked at the start: bytes that may lie in the run's folder, while it is under way, to save work; default none. */
  readonly spareBytes?: () => Promise<number>;
}

/** A run that another one follows, with the same model. */
export interface EarlierRun {
  readonly name: string;
  /** Names of its test images by dataset key. */
  readonly tested: ReadonlyMap<string, readonly string[]>;
  /** Its best weights. @throws Failure `run/no-adapter`, `adapter/…`. */
  readonly tuning: () => Promise<Tuning>;
}

/** Called while a run is under way; must not throw. */
export interface RunObserver {
  /** New lines of metrics.jsonl, in order. A resumed run repeats the steps after its checkpoint. */
  onMetrics?(lines: readonly MetricsLine[]): void;
  onProgress?(progress: RunProgress): void;
  /** What {@link Run.profileNextStep} asked for. */
  onProfile?(profile: ProfileEvent): void;
  /** The validation images that are looked at, after each check. */
  onLooks?(looks: readonly Look[]): void;
  /** What the engine is doing besides steps: "Measuring the validation images of cells". */
  onActivity?(label: string, done: number, total: number): void;
  /** Something that a person should know and that stops nothing: an image that cannot be used, an object that vanished. */
  onNotice?(text: string): void;
}

/** How far a run has come. */
export interface RunReached {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  /** The last checkpoint's step; null when there is none. */
  readonly checkpointStep: number | null;
  readonly bestStep: number | null;
  /** Mean validation IoU (box and click, over datasets) at `bestStep`. */
  readonly bestScore: number | null;
  /** Mean of the last steps; null before the second. */
  readonly secondsPerStep: number | null;
}

/** The same while it goes on. */
export interface RunProgress extends RunReached {
  /** What steps, checks and test will take from here; absent before that can be told. */
  readonly secondsLeft?: number;
}

/**
 * `finished`: all steps, or patience ran out. `stopped`: ended early, the best checkpoint is kept. `paused`: goes on from
 * its checkpoint. A failure rejects instead.
 */
export interface RunOutcome extends RunReached {
  readonly status: 'finished' | 'stopped' | 'paused';
  /** Tuned against base on the test images; null when paused, or when there is no test image. */
  readonly verdict: Verdict | null;
  /** Of measuring a model, by test image; absent where none was measured. */
  readonly secondsPerImage?: number;
}

/** A run under way. */
export interface Run {
  readonly config: RunConfig;
  readonly progress: RunProgress;
  /**
   * Settles when the run is over. Rejects with a Failure (`train/not-finite`, `storage/…`, `gpu/…`) after which the last good
   * checkpoint and the best adapter so far are on storage.
   */
  readonly done: Promise<RunOutcome>;
  /** Times every pass of the next step, if there is one, and tells the observer. */
  profileNextStep(): void;
  /**
   * Leaves the step under way, or finishes its image or its update, and writes a checkpoint; `done` then settles as `paused`, and the
   * run goes on from there, to its test when all steps are done. A run that was stopped before settles as `stopped`, without a verdict.
   */
  pause(): void;
  /** Ends the steps as a pause does; `done` settles as `stopped`, with a verdict. It takes back a pause. */
  stop(): void;
}

/** What a person asked of a run. */
export interface TrainSettings {
  readonly name: string;
  readonly datasetIds: readonly string[];
  /** Ids of `capabilities.methods`; empty = the mask decoder alone. */
  readonly methods: readonly string[];
  readonly trainDecoder: boolean;
  /** Id of one of `capabilities.gateForms`. */
  readonly gate: string;
  /** How the model sees all images; each dataset's own scale without it. */
  readonly scale?: Scale;
  /** The run that this one follows: its verdict compares the two on the images that both were tested on. */
  readonly after?: string;
  /** Every field's value by id (defaults, then preset, then what the person changed). */
  readonly values: Settings;
}

export type RunStatus =
  | 'running'
  | 'pausing'
  /** Ends its steps, and is then tested. */
  | 'stopping'
  | 'paused'
  /** The tab closed or the device was lost while it ran: can go on from its last checkpoint. */
  | 'interrupted'
  /** Under way in another tab, where it is paused and stopped. */
  | 'elsewhere'
  | 'stopped'
  | 'finished'
  | 'failed'
  /** Came in as an adapter file; has no history. */
  | 'imported';

/** Code of the failure of a run that came as a folder before it was finished: it cannot be resumed here. */
export const LEFT_ELSEWHERE = 'run/left-elsewhere';

/** What is kept of a run besides its files. */
export interface RunRecord extends RunProgress {
  readonly id: string;
  readonly name: string;
  readonly status: RunStatus;
  readonly settings: TrainSettings;
  /** Names as they were when the run started; a dataset may be gone since. */
  readonly datasets: readonly { readonly id: string; readonly name: string }[];
  /** How the model saw their images; null where they differ. A dataset's own scale may have changed since. */
  readonly scale: Scale | null;
  readonly modelName: string;
  readonly modelHash: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly updated: number;
  readonly failure: FailureRecord | null;
  readonly verdict: Verdict | null;
  /** Of an adapter that another program made: sentences on how its files were understood. */
  readonly understood?: readonly string[];
  /** Numbers that it trains; absent in runs of earlier versions. */
  readonly trainableCount?: number;
  /** What a person wrote about it. */
  readonly note?: string;
  /** Of a run whose adapter is that of another one (its id and its name then) without some modules: how large both are. */
  readonly pruned?: {
    readonly from: string;
    readonly name: string;
    readonly before: AdapterSize;
    readonly after: AdapterSize;
  };
}

/** Two datasets that want other objects of the same images, so that the same click means one or the other. */
export interface OpposedDatasets {
  readonly names: readonly [string, string];
  /** Images that both have, with other masks. */
  readonly images: number;
  /** What that means for the run. */
  readonly sentence: string;
}

/** What a run would cost, before it starts. */
export interface RunPlan {
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
  /** Arithmetic of a step, multiply and add counted as two; 0 where nothing could be planned. */
  readonly flopsPerStep: number;
  /** Arithmetic of measuring an image, and of each of its objects. */
  readonly flopsToMeasure: { readonly image: number; readonly object: number };
  readonly steps: number;
  /** Images of all datasets by split. */
  readonly images: Readonly<Record<Split, number>>;
  /** Datasets whose labels contradict each other. */
  readonly opposed: readonly OpposedDatasets[];
  /** What would stop the start; empty = it may start. */
  readonly problems: readonly FailureRecord[];
}
