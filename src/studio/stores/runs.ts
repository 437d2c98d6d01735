/** The runs on this device, their histories and the one in progress. */
import { create } from 'zustand';
import type {
  AnswerOf,
  BrokenRun,
  CallName,
  DatasetInfo,
  EngineEvent,
  RequestOf,
  Result,
  RunHistory,
  RunInfo,
  RunStatus,
  StepProfile,
  TrainSettings,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifyFirstFailure, notifySuccess } from './notices.ts';
import { refreshStorage } from './session.ts';

export interface Activity {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

interface RunsState {
  readonly loaded: boolean;
  /** Newest first. */
  readonly runs: readonly RunInfo[];
  /** What is stored of runs that cannot be opened. */
  readonly broken: readonly BrokenRun[];
  readonly histories: Readonly<Record<string, RunHistory>>;
  readonly activities: Readonly<Record<string, Activity>>;
  /** The last profile of a run in this visit; `asked` until it is there. */
  readonly profiles: Readonly<Record<string, StepProfile | 'asked'>>;
  /** The run shown on the Train page; null shows the form for a new one. */
  readonly shownId: string | null;
  readonly starting: boolean;
  /** Whether the Train page shows all runs side by side. */
  readonly isComparing: boolean;
  /** Runs that start one after the other, when the one under way is over. */
  readonly queue: readonly TrainSettings[];
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
  queue: [],
}));

const set = useRuns.setState;
const latest = new Latest();
const EMPTY: RunHistory = { steps: [], evals: [], gates: [], looks: [] };

export function selectActiveRun(state: RunsState): RunInfo | null {
  return state.runs.find((run) => isActive(run.status)) ?? null;
}

/** Whether the engine is working on it. */
export function isActive(status: RunStatus): boolean {
  return status === 'running' || status === 'pausing';
}

/**
 * Whether the run can be resumed: from its last checkpoint, or from the start if it has none, unless it failed (it
 * would fail again, but for storage that was full). A run that was left after its last step still has to be tested.
 */
export function isResumable(run: RunInfo): boolean {
  const isLeft = run.status === 'paused' || run.status === 'interrupted' || run.status === 'stopped';
  const wasFull = run.failure?.code.startsWith('storage/') === true;
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

/** Whether the run has weights for the open model. */
export function isUsable(run: RunInfo): boolean {
  return run.fitsModel && hasWeights(run);
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
  const shownId = before.loaded ? before.shownId : (before.shownId ?? defaultShownRun(runs));
  set({ loaded: true, runs, shownId });
  // Changes made in another tab come without events.
  const changed = runs.filter(({ id, updated, status }) => {
    const old = before.runs.find((run) => run.id === id);
    return !isActive(status) && before.histories[id] && old?.updated !== updated;
  });
  await Promise.all(changed.map((run) => fetchHistory(run.id)));
}

/** After a reload, the run that was in progress. */
function defaultShownRun(runs: readonly RunInfo[]): string | null {
  return runs.find((run) => isActive(run.status) || run.status === 'interrupted')?.id ?? null;
}

export function showRun(runId: string | null): void {
  set({ shownId: runId, isComparing: false });
}

export const compareRuns = (): void => set({ shownId: null, isComparing: true });

/** Starts runs one after the other, each when the one before is over; they wait while this page is open. */
export async function queueRuns(settings: readonly TrainSettings[]): Promise<void> {
  set(({ queue }) => ({ queue: [...queue, ...settings] }));
  await startQueued();
}

export const clearQueue = (): void => set({ queue: [] });

async function startQueued(): Promise<void> {
  const state = useRuns.getState();
  const [next, ...queue] = state.queue;
  if (!next || state.starting || selectActiveRun(state)) return;
  set({ queue });
  // One that cannot start would be followed by others that cannot.
  if (!(await startRun(next))) clearQueue();
}

/** Fetches the points recorded so far, once; later points come as events. */
export async function loadHistory(runId: string): Promise<void> {
  if (!useRuns.getState().histories[runId]) await fetchHistory(runId);
}

async function fetchHistory(runId: string): Promise<void> {
  const key = `history ${runId}`;
  const asked = latest.replace(key);
  const before = useRuns.getState().histories[runId] ?? EMPTY;
  const result = await callAfterEvents('train.history', { runId });
  if (!latest.accept(key, asked)) return;
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  set(({ histories }) => ({
    histories: {
      ...histories,
      [runId]: mergeHistory(result.value, pointsSince(before, histories[runId] ?? EMPTY)),
    },
  }));
}

/** The points that came as events since `before`. */
function pointsSince(before: RunHistory, now: RunHistory): RunHistory {
  const added = <T>(old: readonly T[], all: readonly T[]): readonly T[] => {
    const known = new Set(old);
    return all.filter((point) => !known.has(point));
  };
  return {
    steps: added(before.steps, now.steps),
    evals: added(before.evals, now.evals),
    gates: added(before.gates, now.gates),
    looks: now.looks === before.looks ? [] : now.looks,
  };
}

/** False when it could not be started, which is shown. */
async function startRun(settings: TrainSettings): Promise<boolean> {
  set({ starting: true });
  const result = await callAfterEvents('train.start', settings);
  set({ starting: false });
  if (!result.ok) {
    notifyFailure(result.error);
    return false;
  }
  const run = result.value;
  latest.accept(run.id);
  set((state) => ({
    runs: upsert(state.runs, run),
    shownId: run.id,
    isComparing: false,
    histories: { ...state.histories, [run.id]: state.histories[run.id] ?? EMPTY },
  }));
  announce(`Training ${run.name} has started.`);
  return true;
}

/** Trains again from the base model, with the settings of a run and all images that are done by now; compared with that run. */
export async function trainAgain(run: RunInfo): Promise<void> {
  await startRun({ ...run.settings, name: nextName(run.name), after: run.id });
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
  void refreshStorage();
}

/** Adds a run that was imported as an adapter. */
export function addRun(run: RunInfo): void {
  latest.accept(run.id);
  set((state) => ({ runs: upsert(state.runs, run) }));
  void refreshStorage();
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
  announceChanges(before.runs, runs);
  if (hasWritten(before.runs, runs)) void refreshStorage();
  const isOver = (run: RunInfo): boolean => run.status === 'finished' || run.status === 'stopped';
  // A run that was paused or failed is looked at before others start.
  if (before.runs.some((run) => isActive(run.status) && runs.some((now) => now.id === run.id && isOver(now))))
    void startQueued();
}

type Followed = Pick<RunsState, 'runs' | 'histories' | 'activities' | 'profiles'>;

/** The state after the events. Points of steps that are run again replace the old ones. */
export function applyEvents(state: Followed, events: readonly EngineEvent[]): Followed {
  let { runs, activities, profiles } = state;
  const histories: Record<string, RunHistory> = { ...state.histories };
  const fresh = new Map<string, MutableHistory>();
  const of = (runId: string): MutableHistory => {
    const known = fresh.get(runId);
    if (known) return known;
    const made = { steps: [], evals: [], gates: [], looks: [] };
    fresh.set(runId, made);
    return made;
  };
  for (const event of events) {
    switch (event.type) {
      case 'step':
        of(event.runId).steps.push(event.point);
        activities = without(activities, event.runId);
        break;
      case 'eval':
        of(event.runId).evals.push(event.point);
        activities = without(activities, event.runId);
        break;
      case 'gates':
        of(event.runId).gates.push(event.point);
        break;
      case 'looks':
        of(event.runId).looks = event.looks;
        break;
      case 'profile':
        profiles = { ...profiles, [event.runId]: event.profile };
        break;
      case 'run':
        runs = upsert(runs, event.run);
        if (!isActive(event.run.status)) {
          activities = without(activities, event.run.id);
          // No step comes that could be timed.
          if (profiles[event.run.id] === 'asked') profiles = without(profiles, event.run.id);
        }
        break;
      case 'activity':
        activities = {
          ...activities,
          [event.runId]: { label: event.label, done: event.done, total: event.total },
        };
        break;
      case 'device-lost':
      case 'log':
        break;
    }
  }
  for (const [runId, points] of fresh) {
    histories[runId] = mergeHistory(histories[runId] ?? EMPTY, points);
  }
  return { runs, histories, activities, profiles };
}

function without<T>(byRun: Readonly<Record<string, T>>, runId: string): Readonly<Record<string, T>> {
  const { [runId]: _, ...others } = byRun;
  return others;
}

interface MutableHistory {
  steps: RunHistory['steps'][number][];
  evals: RunHistory['evals'][number][];
  gates: RunHistory['gates'][number][];
  looks: RunHistory['looks'];
}

/** Points of steps that are run again replace the old ones. */
function mergeHistory(old: RunHistory, fresh: RunHistory): RunHistory {
  return {
    steps: merge(old.steps, fresh.steps, (point) => String(point.step)),
    evals: merge(old.evals, fresh.evals, (point) => `${point.step} ${point.datasetId} ${point.split}`),
    gates: merge(old.gates, fresh.gates, (point) => `${point.step} ${point.datasetId}`),
    looks: fresh.looks.length > 0 ? fresh.looks : old.looks,
  };
}

function merge<T extends { readonly step: number }>(
  old: readonly T[],
  fresh: readonly T[],
  keyOf: (point: T) => string,
): readonly T[] {
  const first = fresh[0];
  if (!first) return old;
  const last = old.at(-1);
  // The usual case: all points are new.
  if (!last || fresh.every((point) => point.step > last.step)) return [...old, ...fresh];
  const byKey = new Map([...old, ...fresh].map((point) => [keyOf(point), point]));
  return [...byKey.values()].sort((a, b) => a.step - b.step);
}

function announceChanges(before: readonly RunInfo[], after: readonly RunInfo[]): void {
  for (const run of after) {
    const old = before.find((other) => other.id === run.id);
    if (old && old.status !== run.status)
      announce(`${run.name}: ${run.status}${run.verdict ? `. ${run.verdict.sentence}` : ''}`);
  }
}

/** Whether a run has written more than a line of its history. */
function hasWritten(before: readonly RunInfo[], after: readonly RunInfo[]): boolean {
  return after.some((run) => {
    const old = before.find((other) => other.id === run.id);
    return (
      old?.status !== run.status || old.checkpointStep !== run.checkpointStep || old.bestStep !== run.bestStep
    );
  });
}

function upsert(runs: readonly RunInfo[], run: RunInfo): readonly RunInfo[] {
  return runs.some((old) => old.id === run.id)
    ? runs.map((old) => (old.id === run.id ? withOldParts(old, run) : old))
    : newestFirst([...runs, run]);
}

/** Keeps unchanged parts as the same objects, so that nothing is drawn again without need. */
function withOldParts(old: RunInfo, fresh: RunInfo): RunInfo {
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  return {
    ...fresh,
    settings: same(old.settings, fresh.settings) ? old.settings : fresh.settings,
    datasets: same(old.datasets, fresh.datasets) ? old.datasets : fresh.datasets,
    verdict: same(old.verdict, fresh.verdict) ? old.verdict : fresh.verdict,
  };
}

function newestFirst(runs: readonly RunInfo[]): readonly RunInfo[] {
  return [...runs].sort((a, b) => b.created - a.created);
}
