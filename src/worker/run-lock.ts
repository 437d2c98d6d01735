import { Failure } from '../config/failure.ts';

export interface RunLock {
  release(): void;
}

/**
 * Keeps other tabs from training the same run at the same time; the browser gives the lock back when the tab closes.
 * @throws Failure `run/other-tab`.
 */
export async function lockRun(runId: string): Promise<RunLock> {
  if (!('locks' in navigator)) return { release: () => undefined };
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(`mopeft-studio run ${runId}`, { ifAvailable: true }, (lock) => {
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
      return new Promise<void>((release) => resolve({ release }));
    });
    held.catch(reject);
  });
}
