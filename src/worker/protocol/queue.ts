/** Runs that wait for their turn. Conventions: ../protocol.ts. */

import type { FailureRecord } from '../../config/failure.ts';
import type { Nothing } from './result.ts';
import type { TrainSettings } from './train.ts';

/** A run that waits; it gets this id when it starts. */
export interface QueuedRun {
  readonly id: string;
  readonly settings: TrainSettings;
  readonly modelName: string;
  /** Of its steps, without the checks; null while it is not known, and where another model is open. */
  readonly seconds: number | null;
  /** Why it could not start. */
  readonly failure: FailureRecord | null;
}

export interface RunQueue {
  /** In their order; without the run under way. */
  readonly waiting: readonly QueuedRun[];
  /** Why none starts; null where one will, when the run under way is over, or where none waits. */
  readonly held: FailureRecord | null;
}

/** Calls about the queue: name → [request, answer]. Every change also comes as a `queue` event. */
export interface QueueCalls {
  'queue.list': [Nothing, RunQueue];
  /** Puts runs at the end; the first one starts if none is under way. */
  'queue.add': [{ readonly settings: readonly TrainSettings[] }, RunQueue];
  'queue.remove': [{ readonly ids: readonly string[] }, RunQueue];
  /** @param to place among those that wait, from 0. */
  'queue.move': [{ readonly id: string; readonly to: number }, RunQueue];
  /**
   * Goes on where the queue was left: with its run that was interrupted, or with the next.
   * @param isAsked by a person, who knows why it is held: a run that is paused or has failed is left behind.
   */
  'queue.goOn': [{ readonly isAsked: boolean }, RunQueue];
}
