/** What the page knows of runs, and how the engine's events change it. */
import type { EngineEvent, RunHistory, RunInfo, StepProfile } from '../../worker/protocol.ts';
import { isActive } from './run-status.ts';

export interface Activity {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** What a run does besides its steps, with how far it is where there is more than one thing to do. */
export function activityText({ label, done, total }: Activity): string {
  return total > 1 ? `${label}: ${done} of ${total}` : label;
}

export const EMPTY_HISTORY: RunHistory = { steps: [], evals: [], gates: [], modules: [], looks: [] };

/** What is followed of runs while they are under way. */
export interface Followed {
  /** Newest first. */
  readonly runs: readonly RunInfo[];
  readonly histories: Readonly<Record<string, RunHistory>>;
  readonly activities: Readonly<Record<string, Activity>>;
  /** The last profile of a run in this visit; `asked` until it is there. */
  readonly profiles: Readonly<Record<string, StepProfile | 'asked'>>;
}

/** The state after the events. Points of steps that are run again replace the old ones. */
export function applyEvents(state: Followed, events: readonly EngineEvent[]): Followed {
  let { runs, activities, profiles } = state;
  const histories: Record<string, RunHistory> = { ...state.histories };
  const fresh = new Map<string, MutableHistory>();
  const of = (runId: string): MutableHistory => {
    const known = fresh.get(runId);
    if (known) return known;
    const made = { steps: [], evals: [], gates: [], modules: [], looks: [] };
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
      case 'modules':
        of(event.runId).modules.push(event.point);
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
      case 'queue':
      case 'elsewhere':
      case 'requests':
      case 'device-lost':
      case 'log':
        break;
    }
  }
  for (const [runId, points] of fresh) {
    histories[runId] = mergeHistory(histories[runId] ?? EMPTY_HISTORY, points);
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
  modules: RunHistory['modules'][number][];
  looks: RunHistory['looks'];
}

/** Points of steps that are run again replace the old ones. */
export function mergeHistory(old: RunHistory, fresh: RunHistory): RunHistory {
  return {
    steps: merge(old.steps, fresh.steps, (point) => String(point.step)),
    evals: merge(old.evals, fresh.evals, (point) => `${point.step} ${point.datasetId} ${point.split}`),
    gates: merge(old.gates, fresh.gates, (point) => `${point.step} ${point.datasetId}`),
    modules: merge(old.modules, fresh.modules, (point) => String(point.step)),
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

/** The points that came as events since `before`. */
export function pointsSince(before: RunHistory, now: RunHistory): RunHistory {
  const added = <T>(old: readonly T[], all: readonly T[]): readonly T[] => {
    const known = new Set(old);
    return all.filter((point) => !known.has(point));
  };
  return {
    steps: added(before.steps, now.steps),
    evals: added(before.evals, now.evals),
    gates: added(before.gates, now.gates),
    modules: added(before.modules, now.modules),
    looks: now.looks === before.looks ? [] : now.looks,
  };
}

/** The runs with this one in its place, newest first. */
export function upsert(runs: readonly RunInfo[], run: RunInfo): readonly RunInfo[] {
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

export function newestFirst(runs: readonly RunInfo[]): readonly RunInfo[] {
  return [...runs].sort((a, b) => b.created - a.created);
}
