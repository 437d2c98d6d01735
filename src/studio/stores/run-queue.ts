/** Runs that wait for their turn. */
import { create } from 'zustand';
import type { RunInfo, TrainSettings } from '../../worker/protocol.ts';
import { isActive } from './run-status.ts';
import { selectActiveRun, startRun, useRuns } from './runs.ts';

interface QueueState {
  /** Runs that start one after the other, when the one under way is over. */
  readonly queue: readonly TrainSettings[];
}

export const useRunQueue = create<QueueState>()(() => ({ queue: [] }));

const set = useRunQueue.setState;

/** Starts runs one after the other, each when the one before is over; they wait while this page is open. */
export async function queueRuns(settings: readonly TrainSettings[]): Promise<void> {
  set(({ queue }) => ({ queue: [...queue, ...settings] }));
  await startQueued();
}

export const clearQueue = (): void => set({ queue: [] });

async function startQueued(): Promise<void> {
  const state = useRuns.getState();
  const [next, ...queue] = useRunQueue.getState().queue;
  if (!next || state.starting || selectActiveRun(state)) return;
  set({ queue });
  // One that cannot start would be followed by others that cannot.
  if (!(await startRun(next))) clearQueue();
}

const isOver = ({ status }: RunInfo): boolean => status === 'finished' || status === 'stopped';

// A run that was paused or failed is looked at before others start.
useRuns.subscribe(({ runs }, before) => {
  const isJustOver = (run: RunInfo): boolean =>
    isActive(run.status) && runs.some((now) => now.id === run.id && isOver(now));
  if (runs !== before.runs && before.runs.some(isJustOver)) void startQueued();
});
