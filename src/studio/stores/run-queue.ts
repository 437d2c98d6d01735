/** Runs that wait for their turn. The engine keeps them, and goes on with them when the page was closed meanwhile. */
import { create } from 'zustand';
import type { RunInfo, RunQueue, TrainSettings } from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { announce, notifyFailure } from './notices.ts';
import { isActive } from './run-status.ts';
import { selectActiveRun, showRun, useRuns } from './runs.ts';

export const useRunQueue = create<RunQueue>()(() => ({ waiting: [], held: null }));

/** Runs that were added in this visit, the first of which is shown when it starts. */
let toShow: readonly string[] = [];

/** Every change comes by itself. */
export const receiveQueue = (queue: RunQueue): void => useRunQueue.setState(queue, true);

/** Shows the queue as it is stored. */
export async function loadQueue(): Promise<void> {
  const result = await callEngine('queue.list', {});
  if (result.ok) receiveQueue(result.value);
  else notifyFailure(result.error);
}

/** Goes on where the queue was left, when a model is open. */
export async function continueQueue(): Promise<void> {
  const result = await callEngine('queue.goOn', { isAsked: false });
  if (result.ok) receiveQueue(result.value);
  else notifyFailure(result.error);
}

/** Goes on with the next run, though the one before it is paused or has failed. */
export async function goOnWithQueue(): Promise<void> {
  const result = await callEngine('queue.goOn', { isAsked: true });
  if (!result.ok) notifyFailure(result.error);
}

/** Puts runs at the end of the queue; the first one starts if none is under way. False when they could not be stored. */
export async function queueRuns(settings: readonly TrainSettings[]): Promise<boolean> {
  const result = await callEngine('queue.add', { settings });
  if (!result.ok) {
    notifyFailure(result.error);
    return false;
  }
  if (!selectActiveRun(useRuns.getState()))
    toShow = result.value.waiting.slice(-settings.length).map(({ id }) => id);
  return true;
}

export async function removeQueued(ids: readonly string[]): Promise<void> {
  const result = await callEngine('queue.remove', { ids });
  if (!result.ok) notifyFailure(result.error);
}

/** @param to place among those that wait, from 0. */
export async function moveQueued(id: string, to: number): Promise<void> {
  const result = await callEngine('queue.move', { id, to });
  if (!result.ok) notifyFailure(result.error);
}

/** Seconds until all is done, as far as it is known. */
export function secondsInAll(
  active: Pick<RunInfo, 'secondsLeft'> | null,
  waiting: RunQueue['waiting'],
): { readonly seconds: number; readonly isWhole: boolean } {
  const each = [...(active ? [active.secondsLeft ?? null] : []), ...waiting.map(({ seconds }) => seconds)];
  const known = each.flatMap((seconds) => seconds ?? []);
  return { seconds: known.reduce((sum, seconds) => sum + seconds, 0), isWhole: known.length === each.length };
}

useRuns.subscribe(({ runs, shownId, isComparing }, before) => {
  if (runs === before.runs) return;
  const started = runs.find(({ id, status }) => toShow.includes(id) && isActive(status));
  if (!started) return;
  toShow = [];
  announce(`Training ${started.name} has started.`);
  // Whoever looks at something else by now goes on looking at it.
  if (shownId === null && !isComparing) showRun(started.id);
});
