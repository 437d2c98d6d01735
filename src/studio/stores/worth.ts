/** What the modules of runs are worth: what was measured, what it would take, and what is measured now. */
import { create } from 'zustand';
import {
  CANCELLED,
  type Progress,
  type RunWorth,
  type TaylorScores,
  type WorthForecast,
} from '../../worker/protocol.ts';
import { callEngine } from './engine-link.ts';
import { Latest } from './latest.ts';
import { announce, notifyFailure, notifySuccess } from './notices.ts';
import { addRun, showRun } from './runs.ts';

/** What is under way. */
export interface WorthWork {
  readonly runId: string;
  /** Null until it has begun. */
  readonly progress: Progress | null;
  /** Null while it cannot be told. */
  readonly secondsLeft: number | null;
}

interface WorthState {
  /** By run; null where nothing was measured. */
  readonly worths: Readonly<Record<string, RunWorth | null>>;
  /** What training estimated, by run; null where it did not. */
  readonly taylors: Readonly<Record<string, TaylorScores | null>>;
  readonly forecasts: Readonly<Record<string, WorthForecast>>;
  readonly work: WorthWork | null;
}

export const useWorth = create<WorthState>()(() => ({ worths: {}, taylors: {}, forecasts: {}, work: null }));

const set = useWorth.setState;
const latest = new Latest();
let controller: AbortController | null = null;

/**
 * Reads what was measured of a run, and where nothing was, asks what it would take.
 * @param canMeasure whether it can be measured now.
 */
export async function loadWorth(runId: string, canMeasure: boolean): Promise<void> {
  const asked = latest.replace(runId);
  const result = await callEngine('worth.read', { runId });
  if (!latest.accept(runId, asked)) return;
  if (!result.ok) {
    notifyFailure(result.error);
    return;
  }
  const { worth, taylor } = result.value;
  keep(runId, worth);
  set(({ taylors }) => ({ taylors: { ...taylors, [runId]: taylor } }));
  if (worth || !canMeasure) return;
  // Without it the button says less.
  const forecast = await callEngine('worth.forecast', { runId });
  if (forecast.ok) set(({ forecasts }) => ({ forecasts: { ...forecasts, [runId]: forecast.value } }));
}

export async function measureWorth(runId: string): Promise<void> {
  const result = await work('worth.measure', runId);
  if (!result) return;
  latest.accept(runId);
  keep(runId, result);
  announce('What each module is worth was measured.');
}

/** Makes a run without the modules that are worth nothing, and shows it. */
export async function pruneRun(runId: string): Promise<void> {
  const run = await work('worth.prune', runId);
  if (!run) return;
  addRun(run);
  showRun(run.id);
  notifySuccess(`${run.name} was saved beside the run that it comes from.`);
}

export function cancelWorth(): void {
  controller?.abort();
}

/** Null where it was cancelled or failed, which is shown. */
async function work<K extends 'worth.measure' | 'worth.prune'>(name: K, runId: string) {
  if (controller) return null;
  const own = new AbortController();
  controller = own;
  const start = performance.now();
  set({ work: { runId, progress: null, secondsLeft: null } });
  const result = await callEngine(
    name,
    { runId },
    {
      signal: own.signal,
      onProgress: (progress) => {
        const { done, total } = progress;
        const secondsLeft = done > 0 ? ((performance.now() - start) / 1000 / done) * (total - done) : null;
        set({ work: { runId, progress, secondsLeft } });
      },
    },
  );
  controller = null;
  set({ work: null });
  if (result.ok) return result.value;
  if (result.error.code !== CANCELLED) notifyFailure(result.error);
  return null;
}

function keep(runId: string, worth: RunWorth | null): void {
  set(({ worths }) => ({ worths: { ...worths, [runId]: worth } }));
}
