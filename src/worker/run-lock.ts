import { Failure } from '../config/failure.ts';

const PREFIX = 'mopeft-studio run ';

export interface RunLock {
  /** Resolves when another may take it. */
  release(): Promise<void>;
}

/**
 * Keeps other tabs from training the same run at the same time; the browser gives the lock back when the tab closes.
 * @throws Failure `run/other-tab`.
 */
export async function lockRun(runId: string): Promise<RunLock> {
  if (!('locks' in navigator)) return { release: async () => undefined };
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(`${PREFIX}${runId}`, { ifAvailable: true }, (lock) => {
      if (!lock) {
        reject(
          new Failure({
            code: 'run/other-tab',
            what: 'This run is under way in another tab.',
            cure: 'Pause it there, or close that tab.',
          }),
        );
        return undefined;
      }
      return new Promise<void>((release) =>
        resolve({
          release: async () => {
            release();
            await held;
          },
        }),
      );
    });
    held.catch(reject);
  });
}

/** Changes a run that is not under way here, while no other tab can take it up. @throws Failure `run/other-tab`. */
export async function whileLocked<T>(runId: string, change: () => Promise<T>): Promise<T> {
  const lock = await lockRun(runId);
  try {
    return await change();
  } finally {
    await lock.release();
  }
}

/** Ids of the runs that are under way in any tab. */
export async function lockedRuns(): Promise<ReadonlySet<string>> {
  if (!('locks' in navigator)) return new Set();
  const { held = [] } = await navigator.locks.query();
  return new Set(held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
}
