/** Runs: settings, cost, history. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { Look } from '../../engine/run/looks.ts';
import type { GainOutlook } from '../../engine/run/provable-gain.ts';
import type { RunPlan, RunRecord, TrainSettings } from '../../engine/run/run-types.ts';
import type { VerdictMeasure } from '../../engine/run/verdict-file.ts';
import type { PassGroup, ProfileClock } from '../../gpu/profile.ts';
import type { ModulesEvent, StepSpans } from '../../train/events.ts';
import type { GateLayer } from '../../train/gates.ts';
import type { SplitCounts, SplitName } from './data.ts';
import type { Nothing } from './result.ts';

/** What a run was asked for and how far it is. */
export { LEFT_ELSEWHERE, type RunStatus, type TrainSettings } from '../../engine/run/run-types.ts';
/** What a run gained, as the engine says it. */
export type { Verdict, VerdictMeasure } from '../../engine/run/verdict-file.ts';

/** What a run would cost, as the engine plans it. */
export interface PlanReport extends Omit<RunPlan, 'images'> {
  readonly secondsPerStep: number;
  /** Where that comes from: such steps on this device; other steps on it, by their arithmetic; or what was measured elsewhere. */
  readonly timing: 'measured' | 'scaled' | 'guessed';
  /** Of the checks and the test together. */
  readonly secondsOfChecks: number;
  readonly images: SplitCounts;
  /** Of validation and test images at most as many as are measured of each. */
  readonly objects: SplitCounts;
  readonly outlook: GainOutlook;
}

/** A run as the page sees it. */
export interface RunInfo extends RunRecord {
  /** True when the open model is the one this run belongs to. */
  readonly fitsModel: boolean;
  /** On this device's storage. */
  readonly bytes: number;
}

/** What is stored of a run whose record cannot be read, or of an import that was cut off. */
export interface BrokenRun {
  readonly id: string;
  /** Bytes on this device's storage. */
  readonly bytes: number;
  readonly failure: FailureRecord;
}

export interface StepPoint {
  readonly step: number;
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
  readonly learningRate: number;
  readonly milliseconds: number;
  /** Absent in steps of earlier versions. */
  readonly spans?: StepSpans;
}

export type { PassGroup, StepSpans };

/** A step whose passes were timed alone. */
export interface StepProfile {
  readonly step: number;
  readonly clock: ProfileClock;
  /** By op, the longest first. */
  readonly kinds: readonly PassGroup[];
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
  /** The longer side in pixels at which masks of larger images were measured; absent when no image is larger. */
  readonly measuredAt?: number;
}

/** Mean gate values over a dataset's validation images, one entry per block, by method id, each in 0..1. */
export interface GatePoint {
  readonly step: number;
  readonly datasetId: string;
  readonly layers: readonly GateLayer[];
}

/** The modules that are left from a step on, in gate forms that keep a share of them. */
export type ModulesPoint = Omit<ModulesEvent, 'type'>;

export type { Look } from '../../engine/run/looks.ts';
export type { GateLayer };

export interface RunHistory {
  readonly steps: readonly StepPoint[];
  readonly evals: readonly EvalPoint[];
  readonly gates: readonly GatePoint[];
  readonly modules: readonly ModulesPoint[];
  /** Validation images with masks, as of the last check. */
  readonly looks: readonly Look[];
}

/** Calls about runs: name → [request, answer]. */
export interface TrainCalls {
  'train.plan': [TrainSettings, PlanReport];
  /** Answers when the run exists and its first step is under way; what follows comes as events. */
  'train.start': [TrainSettings, RunInfo];
  /** Goes on with a paused, interrupted or stopped run from its last checkpoint. */
  'train.resume': [{ readonly runId: string }, RunInfo];
  /** Leaves the step under way, which is taken again later, and writes a checkpoint. */
  'train.pause': [{ readonly runId: string }, RunInfo];
  /** Times every pass of the next step of a run that is under way here; the `profile` comes as an event. */
  'train.profile': [{ readonly runId: string }, Nothing];
  /** Ends the run: keeps the best checkpoint and gives its verdict. */
  'train.stop': [{ readonly runId: string }, RunInfo];
  'train.list': [Nothing, readonly RunInfo[]];
  /** What is stored of runs that cannot be opened; `train.delete` frees its bytes. */
  'train.broken': [Nothing, readonly BrokenRun[]];
  'train.history': [{ readonly runId: string }, RunHistory];
  /** Runs against another one, object by object on the test images of both; null where there is no such object. */
  'train.compare': [
    { readonly runIds: readonly string[]; readonly against: string },
    readonly { readonly runId: string; readonly gain: VerdictMeasure | null }[],
  ];
  'train.rename': [{ readonly runId: string; readonly name: string }, RunInfo];
  'train.note': [{ readonly runId: string; readonly note: string }, RunInfo];
  'train.delete': [{ readonly runId: string }, Nothing];
}
