/** Tabs of the studio share one storage: each tells the others what it has changed there. */
import type { FileStore } from '../data/file-store.ts';
import { RECORD } from '../engine/run/run-record.ts';
import { JOB_PATH } from './find/find-job.ts';
import type { StoredKind } from './protocol.ts';
import { QUEUE_PATH } from './runs/queue-file.ts';

/** A change of what tabs show. */
export interface StoredChange {
  readonly kind: StoredKind;
  /** Of the dataset or the run; empty where there is none. */
  readonly id: string;
}

/** A store that tells of each change of it that tabs show. */
export function tellingStore(store: FileStore, tell: (change: StoredChange) => void): FileStore {
  const tellOf = (path: string): void => {
    const change = changeAt(path);
    if (change) tell(change);
  };
  return {
    read: (path) => store.read(path),
    readRange: (path, offset, length) => store.readRange(path, offset, length),
    append: (path, bytes) => store.append(path, bytes),
    list: (folder) => store.list(folder),
    size: (path) => store.size(path),
    exists: (path) => store.exists(path),
    write: async (path, bytes) => {
      await store.write(path, bytes);
      tellOf(path);
    },
    move: async (from, to) => {
      await store.move(from, to);
      tellOf(to);
    },
    remove: async (path) => {
      await store.remove(path);
      tellOf(path);
    },
  };
}

/** What is shown of: a dataset's manifest, card and labels, a run's record, a mask's record, the queue, what was found in datasets. */
const SHOWN: Readonly<Record<StoredKind, RegExp>> = {
  datasets: /^datasets\/([^/]+)(\/(dataset\.json|card\.json|edits\/[^/]+))?$/,
  runs: new RegExp(`^runs/([^/]+)(/${RECORD})?$`),
  masks: /^masks\/()[^/]+\.json$/,
  queue: new RegExp(`^()${QUEUE_PATH}$`),
  searches: new RegExp(`^()(${JOB_PATH}|datasets/[^/]+/found(/[^/]+)?)$`),
};

function changeAt(path: string): StoredChange | null {
  for (const [kind, pattern] of Object.entries(SHOWN) as [StoredKind, RegExp][]) {
    const id = pattern.exec(path)?.[1];
    if (id !== undefined) return { kind, id };
  }
  return null;
}
