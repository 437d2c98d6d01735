/**
 * The runs on this device, their histories and the one in progress.
 *
 *     run-events.ts   what is followed of them, and how events change it
 *     run-status.ts   what can be done with one
 *     lower-rates.ts  what to train again with where the loss left all numbers
 *     run-queue.ts    those that wait for their turn
 *     comparison.ts   the runs of a comparison
 */
import * as v from 'valibot';
import { create } from 'zustand';
import type {
  AnswerOf,
  BrokenRun,
  CallName,
  EngineEvent,
  RequestOf,
  Result,
  RunInfo,
  TrainSettings,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { keepInTab } from './kept.ts';
import { Latest } from './latest.ts';
import type { LowerRate } from './lower-rates.ts';
import { announce, notifyFailure, notifyFirstFailure, notifySuccess } from './notices.ts';
import {
  applyEvents,
  EMPTY_HISTORY,
  type Followed,
  mergeHistory,
  newestFirst,
  pointsSince,
  upsert,
} from './run-events.ts';
import { isActive, STATUS_LABELS } from './run-status.ts';

interface RunsState extends Followed {
  readonly loaded: boolean;
  /** What is stored of runs that cannot be opened. */
  readonly broken: readonly BrokenRun[];
  /** The run shown on the Train page; null shows the form for a new one. */
  readonly shownId: string | null;
  readonly starting: boolean;
  /** Whether the Train page shows all runs side by side. */
  readonly isComparing: boolean;
}

export const useRuns = create<RunsState>()(() => ({
  loaded: false,
  runs: [],
  broken: [],
  histories: {},
  activities: {},
  profiles: {},
  shownId: null,
  starting: false,
  isComparing: false,
}));

/** Whether what is shown was shown in this tab before a reload. */
const isKept = keepInTab(useRuns, 'runs', { shownId: v.nullable(v.string()), isComparing: v.boolean() });

const set = useRuns.setState;
const latest = new Latest();

export function selectActiveRun(state: RunsState): RunInfo | null {
  return state.runs.find((run) => isActive(run.status)) ?? null;
}

/** The last step that is known of a run: its events come before its record, which an older visit may have left behind them. */
export function selectStep({ histories }: RunsState, { id, status, step }: RunInfo): number {
  return isActive(status) ? Math.max(step, histories[id]?.steps.at(-1)?.step ?? 0) : step;
}

export async function loadRuns(): Promise<void> {
  const asked = latest.ask();
  const [result, broken] = await Promise.all([
    callAfterEvents('train.list', {}),
    callAfterEvents('train.broken', {}),
  ]);
  if (broken.ok)
    set((state) => ({
      broken: latest.acceptList('broken', asked, broken.value, state.broken) ?? state.broken,
    }));
  notifyFirstFailure([result, broken]);
  if (!result.ok) {
    set({ loaded: true });
    return;
  }
  const before = useRuns.getState();
  const current = latest.acceptList('runs', asked, result.value, before.runs);
  if (!current) return;
  const runs = newestFirst(current);
  const shownId = before.loaded || isKept ? before.shownId : (before.shownId ?? defaultShownRun(runs));
  set({ loaded: true, runs, shownId });
  // Changes made in another tab come without events.
  const changed = runs.filter(({ id, updated, status }) => {
    const old = before.runs.find((run) => run.id === id);
    return !isActive(status) && before.histories[id] && old?.updated !== updated;
  });
  await Promise.all(changed.map((run) => fetchHistory(run.id)));
}

/** In a new tab, the run that was in progress. */
function defaultShownRun(runs: readonly RunInfo[]): string | null {
  return runs.find((run) => isActive(run.status) || run.status === 'interrupted')?.id ?? null;
}

export function showRun(runId: string | null): void {
  set({ shownId: runId, isComparing: false });
}

export const compareRuns = (): void => set({ shownId: null, isComparing: true });

/** Fetches the points recorded so far, once; later points come as events. */
export async function loadHistory(runId: string): Promise<void> {
  if (!useRuns.getState().histories[runId]) await fetchHistory(runId);
}

async function fetchHistory(runId: string): Promise<void> {
  const key = `history ${runId}`;
  const asked = latest.replace(key);
  const before = useRuns.getState().histories[runId] ?? EMPTY_HISTORY;
  const result = await callAfterEvents('train.history', { runId });
  if (!latest.accept(key, asked)) return;
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  set(({ histories }) => ({
    histories: {
      ...histories,
      [runId]: mergeHistory(result.value, pointsSince(before, histories[runId] ?? EMPTY_HISTORY)),
    },
  }));
}

/** Starts a run at once. Null when it could not be started, which is shown. */
export async function startRun(settings: TrainSettings): Promise<RunInfo | null> {
  set({ starting: true });
  const result = await callAfterEvents('train.start', settings);
  set({ starting: false });
  if (!result.ok) {
    notifyFailure(result.error);
    return null;
  }
  const run = result.value;
  latest.accept(run.id);
  set((state) => ({
    runs: upsert(state.runs, run),
    // One that was heard of before is shown since then, unless the person has gone elsewhere.
    ...(isNew(run, state.runs) && { shownId: run.id, isComparing: false }),
    histories: { ...state.histories, [run.id]: state.histories[run.id] ?? EMPTY_HISTORY },
  }));
  announce(`Training ${run.name} has started.`);
  return run;
}

/** Trains again from the base model, with the settings of a run and all images that are done by now; compared with that run. */
export async function trainAgain(run: RunInfo): Promise<void> {
  await startRun({ ...run.settings, name: nextName(run.name), after: run.id });
}

/** Trains anew with the settings of a run whose loss left all numbers, at lower learning rates. */
export async function trainLower(run: RunInfo, rates: readonly LowerRate[]): Promise<void> {
  const lower = Object.fromEntries(rates.map(({ id, now }) => [id, now]));
  const { settings } = run;
  await startRun({ ...settings, name: nextName(run.name), values: { ...settings.values, ...lower } });
}

/** "cells" → "cells, 2nd time" → "cells, 3rd time". */
export function nextName(name: string): string {
  const [, stem = name, count = '1'] = /^(.*), (\d+)(?:st|nd|rd|th) time$/.exec(name) ?? [];
  const next = Number(count) + 1;
  const tens = next % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][next % 10] ?? 'th');
  return `${stem}, ${next}${ending} time`;
}

export const annotateRun = (runId: string, note: string): Promise<boolean> =>
  change('train.note', { runId, note });
export const pauseRun = (runId: string): Promise<boolean> => change('train.pause', { runId });
export const stopRun = (runId: string): Promise<boolean> => change('train.stop', { runId });
export const renameRun = (runId: string, name: string): Promise<boolean> =>
  change('train.rename', { runId, name });

/** Has the next step of a run under way profiled. */
export async function profileRun(runId: string): Promise<void> {
  const before = useRuns.getState().profiles;
  set({ profiles: { ...before, [runId]: 'asked' } });
  const result = await callAfterEvents('train.profile', { runId });
  if (result.ok) return;
  set({ profiles: before });
  notifyFailure(result.error);
}

export async function resumeRun(runId: string): Promise<void> {
  // Steps after the checkpoint are run again, so the history is fetched again.
  if (await change('train.resume', { runId })) await fetchHistory(runId);
}

export async function deleteRun(runId: string): Promise<void> {
  const result = await callAfterEvents('train.delete', { runId });
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  latest.accept(runId);
  const name = useRuns.getState().runs.find((run) => run.id === runId)?.name ?? 'The run';
  set((state) => ({
    runs: state.runs.filter((run) => run.id !== runId),
    broken: state.broken.filter((run) => run.id !== runId),
    shownId: state.shownId === runId ? null : state.shownId,
  }));
  notifySuccess(`${name} was deleted from this device.`);
}

/** Adds a run that was imported as an adapter. */
export function addRun(run: RunInfo): void {
  latest.accept(run.id);
  set((state) => ({ runs: upsert(state.runs, run) }));
}

/** Changes a run and stores the changed run. False if it failed. */
async function change<
  K extends 'train.pause' | 'train.resume' | 'train.stop' | 'train.rename' | 'train.note',
>(name: K, request: RequestOf<K> & { readonly runId: string }): Promise<boolean> {
  const asked = latest.ask();
  const result: Result<RunInfo> = await callAfterEvents(name, request);
  if (!result.ok) {
    notifyFailure(result.error);
    return false;
  }
  const run = result.value;
  if (latest.acceptChange(run.id, asked)) set((state) => ({ runs: upsert(state.runs, run) }));
  return true;
}

/** Calls the engine; applies the events that came before its answer first. */
async function callAfterEvents<K extends CallName>(
  name: K,
  request: RequestOf<K>,
): Promise<Result<AnswerOf<K>>> {
  flushRunEvents();
  const result = await callEngine(name, request);
  flushRunEvents();
  return result;
}

/** Milliseconds between two updates from events; charts need not follow every step. */
const FLUSH_EVERY = 500;
let waiting: EngineEvent[] = [];
let flushTimer: ReturnType<typeof setTimeout> | null = null;

/** Collects events, so that quick steps do not keep the page busy. */
export function receiveRunEvent(event: EngineEvent): void {
  waiting.push(event);
  flushTimer ??= setTimeout(flushRunEvents, FLUSH_EVERY);
}

export function flushRunEvents(): void {
  if (flushTimer !== null) clearTimeout(flushTimer);
  flushTimer = null;
  const events = waiting;
  waiting = [];
  if (events.length === 0) return;
  const before = useRuns.getState();
  for (const event of events) if (event.type === 'run') latest.accept(event.run.id);
  set(applyEvents(before, events));
  const { runs } = useRuns.getState();
  // Opening its images and compiling its kernels may take minutes, in which the run says what it does.
  const begun = before.starting && runs.find((run) => isNew(run, before.runs) && isActive(run.status));
  if (begun) set({ shownId: begun.id, isComparing: false });
  announceChanges(before.runs, runs);
}

const isNew = ({ id }: RunInfo, known: readonly RunInfo[]): boolean => !known.some((run) => run.id === id);

function announceChanges(before: readonly RunInfo[], after: readonly RunInfo[]): void {
  for (const run of after) {
    const old = before.find((other) => other.id === run.id);
    if (old && old.status !== run.status)
      announce(`${run.name}: ${STATUS_LABELS[run.status]}${run.verdict ? `. ${run.verdict.sentence}` : ''}`);
  }
}
