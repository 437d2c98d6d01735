/** What can be done with a run, by its status and what is kept of it. */
import { type DatasetInfo, LEFT_ELSEWHERE, type RunInfo, type RunStatus } from '../../worker/protocol.ts';

/** A run's status in words. */
export const STATUS_LABELS: Readonly<Record<RunStatus, string>> = {
  running: 'running',
  pausing: 'pausing',
  stopping: 'stopping',
  paused: 'paused',
  interrupted: 'interrupted',
  elsewhere: 'running in another tab',
  stopped: 'stopped',
  finished: 'finished',
  failed: 'failed',
  imported: 'imported',
};

/** Whether the engine is working on it. */
export function isActive(status: RunStatus): boolean {
  return status === 'running' || status === 'pausing' || status === 'stopping';
}

/** Whether it has ended, and its weights are what they are. */
export function isOver(status: RunStatus): boolean {
  return status === 'finished' || status === 'stopped';
}

/** Failures that come again at the same step, or with the same checkpoint. */
const COMES_AGAIN: readonly string[] = ['train/not-finite', 'train/checkpoint'];

/**
 * Whether the run can be resumed: from its last checkpoint, or from the start if it has none, unless it failed and would fail
 * again; storage that was full need not be. A run that was left after its last step still has to be tested; one that came as a
 * folder goes on where it came from.
 */
export function isResumable(run: RunInfo): boolean {
  const code = run.failure?.code ?? '';
  if (code === LEFT_ELSEWHERE || COMES_AGAIN.includes(code)) return false;
  const isLeft = run.status === 'paused' || run.status === 'interrupted' || run.status === 'stopped';
  const wasFull = code.startsWith('storage/');
  return isLeft || (run.status === 'failed' && (run.checkpointStep !== null || wasFull));
}

/** Names of the run's datasets that were deleted; it cannot be resumed without them. */
export function missingDatasets(run: RunInfo, present: readonly DatasetInfo[]): readonly string[] {
  return run.datasets
    .filter(({ id }) => !present.some((dataset) => dataset.id === id))
    .map(({ name }) => name);
}

/** Whether the run has weights, for this or another model. */
export function hasWeights(run: RunInfo): boolean {
  return run.status === 'imported' || run.bestStep !== null;
}

/** What to know before a run's weights are used: that they are the base model, or worse than it; null otherwise. */
export function caution({ bestStep, verdict }: Pick<RunInfo, 'bestStep' | 'verdict'>): string | null {
  if (bestStep === 0) return 'kept the base model';
  const measures = verdict && [verdict.box, verdict.click];
  if (!measures) return null;
  const isBetter = measures.some(({ gainLow }) => gainLow > 0);
  const isWorse = measures.some(({ gainHigh }) => gainHigh < 0);
  if (isWorse) return isBetter ? 'in part worse than the base model' : 'worse than the base model';
  return isBetter ? null : 'not shown to be better than the base model';
}

/** Whether the run has weights for the open model. */
export function isUsable(run: RunInfo): boolean {
  return run.fitsModel && hasWeights(run);
}
