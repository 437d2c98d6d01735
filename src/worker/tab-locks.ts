/** What only one tab may work on at a time, by its id; the browser gives a tab's locks back when it closes. */
import { Failure, type FailureRecord } from '../config/failure.ts';

export interface TabLock {
  /** Resolves when another may take it. */
  release(): Promise<void>;
}

class TabLocks {
  private readonly prefix: string;
  /** What is done last by {@link whenFree} where the browser has no locks. */
  private last: Promise<unknown> = Promise.resolve();

  /** @param refusal what is said of one that another has. */
  constructor(
    kind: 'run' | 'dataset' | 'model' | 'queue' | 'search',
    private readonly refusal: FailureRecord,
  ) {
    this.prefix = `mopeft-studio ${kind} `;
  }

  /** Keeps others from an id until it is released. @throws Failure, the refusal, when another has it. */
  async take(id: string): Promise<TabLock> {
    if (!('locks' in navigator)) return { release: async () => undefined };
    const lock = await hold(`${this.prefix}${id}`, { ifAvailable: true });
    if (!lock) throw new Failure(this.refusal);
    const end = await hold(this.endOf(id));
    return {
      release: async () => {
        await lock.release();
        await end?.release();
      },
    };
  }

  /** Resolves when no one has the lock, in this tab or another; a tab that is closed has none. */
  async whenReleased(id: string): Promise<void> {
    if ('locks' in navigator) await navigator.locks.request(this.endOf(id), async () => undefined);
  }

  /** A second lock for those who wait for the end, so that none of them has the first in the moment after. */
  private endOf(id: string): string {
    return `end of ${this.prefix}${id}`;
  }

  /** Does work while no other tab can take the lock. @throws Failure, the refusal, when another has it. */
  async whileTaken<T>(id: string, work: () => Promise<T>): Promise<T> {
    const lock = await this.take(id);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /** Does work once no one else has the lock, in this tab or another. */
  async whenFree<T>(id: string, work: () => Promise<T>): Promise<T> {
    if ('locks' in navigator) return navigator.locks.request(`${this.prefix}${id}`, work);
    const turn = this.last.then(work, work);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Ids that are taken, in any tab. */
  async taken(): Promise<ReadonlySet<string>> {
    if (!('locks' in navigator)) return new Set();
    const { held = [] } = await navigator.locks.query();
    return new Set(
      held.flatMap(({ name }) => (name?.startsWith(this.prefix) ? [name.slice(this.prefix.length)] : [])),
    );
  }
}

/** Holds a lock of the browser until it is released; null where only one that is available is wanted and it is not. */
function hold(name: string, options: LockOptions = {}): Promise<TabLock | null> {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, options, (lock) => {
      if (!lock) {
        resolve(null);
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

/** Runs that are under way, and runs that are changed. */
export const runLocks = new TabLocks('run', {
  code: 'run/other-tab',
  what: 'This run is under way in another tab.',
  cure: 'Pause it there, or close that tab.',
});

/** Datasets that are being stored, changed or deleted. */
export const datasetLocks = new TabLocks('dataset', {
  code: 'data/being-stored',
  what: 'This dataset is just being stored or changed in another tab.',
  cure: 'Wait until that is done, or cancel it where it was dropped.',
});

/** Models of the catalogue that are being downloaded or freed. */
export const modelLocks = new TabLocks('model', {
  code: 'model/other-tab',
  what: 'This model is being downloaded in another tab.',
  cure: 'Wait until it is done there, or cancel it there.',
});

/** The queue of runs, while it is changed. */
export const queueLocks = new TabLocks('queue', {
  code: 'queue/other-tab',
  what: 'The queue of runs is just being changed in another tab.',
  cure: 'Try again in a moment.',
});

/** The search of whole datasets, of which the tabs have one together. */
export const searchLocks = new TabLocks('search', {
  code: 'find/other-tab',
  what: 'Whole datasets are being searched in another tab.',
  cure: 'Wait until that is done, or pause it there.',
});
