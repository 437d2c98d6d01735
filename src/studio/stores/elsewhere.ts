/** Shows what other tabs change of what is stored. */
import type { StoredKind } from '../../worker/protocol.ts';
import { loadDatasets } from './datasets.ts';
import { refreshFolders } from './find-folders.ts';
import { loadKeptMasks } from './kept-masks.ts';
import { followLabels } from './labels.ts';
import { continueQueue, loadQueue } from './run-queue.ts';
import { loadRuns } from './runs.ts';
import { useSession } from './session.ts';

const LOAD: Readonly<Record<StoredKind, () => Promise<void>>> = {
  datasets: async () => {
    await loadDatasets();
    await followLabels();
  },
  runs: async () => {
    await loadRuns();
    // A run may have ended with the tab that had it.
    await continueQueue();
  },
  masks: loadKeptMasks,
  queue: loadQueue,
  searches: refreshFolders,
};
const ALL = Object.keys(LOAD) as StoredKind[];

/** Milliseconds in which changes are collected. */
const COLLECTED_FOR = 300;
const changed = new Set<StoredKind>();

/** Whether the page is seen and has something to show. */
export const isSeen = (): boolean =>
  document.visibilityState === 'visible' && useSession.getState().phase === 'ready';

/** Another tab has changed something. A page that is not seen shows it when it is. */
export function receiveChange(kind: StoredKind): void {
  changed.add(kind);
  if (changed.size > 1) return;
  setTimeout(() => {
    const kinds = [...changed];
    changed.clear();
    if (isSeen()) showStored(kinds);
  }, COLLECTED_FOR);
}

export function showStored(kinds: readonly StoredKind[] = ALL): void {
  for (const kind of kinds) void LOAD[kind]();
}
