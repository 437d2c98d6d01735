/** What a run's modules are worth. Conventions: ../protocol.ts. */

import type { RunWorth } from '../../engine/worth/run-worth.ts';
import type { TaylorScores } from '../../engine/worth/taylor.ts';
import type { RunInfo } from './train.ts';

export type { DatasetWorth, RunWorth } from '../../engine/worth/run-worth.ts';
export type { TaylorScores } from '../../engine/worth/taylor.ts';

/** About what measuring a run's modules takes. */
export interface WorthForecast {
  /** Models that are measured, on all validation images of a dataset each. */
  readonly measurements: number;
  /** Validation images. */
  readonly images: number;
  /** By the time that an image took on this device the last time; null where none was measured yet. */
  readonly seconds: number | null;
}

/** Calls about the worth of modules: name → [request, answer]. */
export interface WorthCalls {
  /** What was measured with the run's best weights, and what training estimated; null without. */
  'worth.read': [
    { readonly runId: string },
    { readonly worth: RunWorth | null; readonly taylor: TaylorScores | null },
  ];
  'worth.forecast': [{ readonly runId: string }, WorthForecast];
  /** Measures and keeps; a run that is under way has the device until it is over. */
  'worth.measure': [{ readonly runId: string }, RunWorth];
  /**
   * A new run of the modules alone that were put in until all of the gain was there, on any dataset; refused as
   * `worth/pruned-worse` if it is worse on the test images.
   */
  'worth.prune': [{ readonly runId: string }, RunInfo];
}
