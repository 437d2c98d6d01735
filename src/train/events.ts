import type { Split } from '../data/types.ts';
import type { PassProfile } from '../gpu/profile.ts';
import type { GateLayer } from './gates.ts';
import type { LookDrawing } from './look.ts';

/**
 * What a trainer reports. `step`, `eval`, `gates` and `modules` are written to a run's metrics.jsonl as they are; `step` counts
 * finished steps, so an evaluation at step 0 is of the model before training.
 */
export type TrainEvent =
  | StepEvent
  | EvalEvent
  | GatesEvent
  | ModulesEvent
  | BestEvent
  | LookEvent
  | CheckpointEvent
  | ProfileEvent
  | ActivityEvent
  | NoticeEvent;

/** One step. Losses are means over its objects, rounds and images: loss = 20·focal + dice + iou. */
export interface StepEvent {
  readonly type: 'step';
  readonly step: number;
  readonly loss: number;
  readonly focal: number;
  readonly dice: number;
  readonly iou: number;
  /** Learning rate of the methods' tensors, or of the decoder when that is trained alone. */
  readonly lr: number;
  /** Norm of all gradients before the clip. */
  readonly norm: number;
  /** Milliseconds. */
  readonly ms: number;
  /** Absent in what earlier versions have written. */
  readonly spans?: StepSpans;
  /**
   * |∂loss/∂gate| at 1 of each module that is there, before the clip, an entry for each block by method id: what the loss is
   * estimated to lose without it (Taylor). In gate form `budget` alone.
   */
  readonly scores?: readonly Readonly<Record<string, number>>[];
}

/**
 * Where the time of a step went, milliseconds. The first three follow on each other; what they leave of the step is
 * other work of the engine. Losses are read while the next step runs.
 */
export interface StepSpans {
  /** Waiting for images, which are prepared while the step before runs. */
  readonly data: number;
  /** Recording commands for the GPU. */
  readonly encoding: number;
  /** Waiting for the GPU. */
  readonly waiting: number;
  /** The GPU had work; all the while, the engine did one of the above or something else. */
  readonly busy: number;
}

/**
 * IoUs over the objects of a dataset's split, 0..1, in original pixels unless `measured_at` is there; not emitted for a
 * split without an object.
 */
export interface EvalEvent {
  readonly type: 'eval';
  readonly step: number;
  readonly dataset: string;
  readonly split: Split;
  readonly box_iou: number;
  readonly click_iou: number;
  /** Objects, at least 1. */
  readonly n: number;
  /** The longer side in pixels at which the masks of larger images were measured; absent when no image is larger. */
  readonly measured_at?: number;
}

/** Mean gates over the evaluated images of a dataset, an entry for each block; ungated modules count as 1. */
export interface GatesEvent {
  readonly type: 'gates';
  readonly step: number;
  readonly dataset: string;
  readonly layers: readonly GateLayer[];
}

/**
 * The modules that are left, in gate forms that keep a share of their parameters: before the first step and whenever there are
 * fewer, or others.
 */
export interface ModulesEvent {
  readonly type: 'modules';
  readonly step: number;
  /** Ids of methods, an entry for each block. */
  readonly left: readonly (readonly string[])[];
  /** Their parameters, those of gates not counted. */
  readonly parameters: number;
}

/** The validation score is the best so far and the weights were stored. */
export interface BestEvent {
  readonly type: 'best';
  readonly step: number;
  /** Mean validation IoU of box and click over the datasets; null without validation images. */
  readonly score: number | null;
}

/** A validation image with the model's masks, to look at; at step 0 those of the base model. */
export interface LookEvent extends LookDrawing {
  readonly type: 'look';
  readonly step: number;
  readonly dataset: string;
  readonly sample: string;
  /** Mean over its measured objects, by the prompt of the masks that are drawn. */
  readonly iou: number;
  readonly prompt: 'click' | 'box';
}

/** A checkpoint was written. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
}

/** Every pass of a step, timed alone, which makes that step slower; asked for by `Trainer.profileNextStep`. */
export interface ProfileEvent extends PassProfile {
  readonly type: 'profile';
  readonly step: number;
}

/** Progress of work that is not a step. */
export interface ActivityEvent {
  readonly type: 'activity';
  /** "Measuring the validation images" */
  readonly label: string;
  /** Absent where it is about no dataset. */
  readonly dataset?: string;
  readonly done: number;
  readonly total: number;
}

/** Something a person should know that does not stop the run: an image that cannot be used, an object left out. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly step: number;
  readonly dataset: string;
  readonly sample: string;
  readonly message: string;
}
